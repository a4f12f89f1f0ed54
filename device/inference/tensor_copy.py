"""Copies of tensors by the thread that invokes, made without letting go of Python's lock.

NumPy lets go of it for all but the smallest copies. To get it back the network's thread would then
wait until another one has come to the end of its own Python: milliseconds, for the microseconds
that a copy takes.
"""

from __future__ import annotations

import numpy as np

from device.records import Tensor


def copy_into(target: Tensor, source: Tensor) -> None:
    """Write ``source`` into ``target``, of the same shape and dtype; both lie in one piece."""
    if source.size:  # a view of nothing cannot be cast
        target.data.cast("B")[:] = source.data.cast("B")


def copy_of(tensor: Tensor) -> Tensor:
    """A new tensor like ``tensor``, which lies in one piece."""
    copied: Tensor = np.empty(tensor.shape, tensor.dtype)
    copy_into(copied, tensor)
    return copied
