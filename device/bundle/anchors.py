"""Anchors from an ``.npy``, which a stranger may have written."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from device.errors import BundleError
from device.files import read_regular

MOST_BYTES = 64_000_000  # four million anchors; an SSD has thousands
_READERS: dict[tuple[int, int], Any] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}


def load_npy(path: Path) -> NDArray[Any]:
    """The array in an ``.npy``.

    Nothing is allocated that a header asks for and the file does not hold. Raises ``OSError`` for
    what is no regular file, ``ValueError`` for what holds no array, or one of Python objects.
    """
    data = read_regular(path, MOST_BYTES)
    if data.startswith(b"PK"):
        raise ValueError("a .npz; expected one array, as numpy.save writes it")
    file = io.BytesIO(data)
    read_magic: Any = npy.read_magic
    try:
        shape, by_column, dtype = _READERS[read_magic(file)](file)
    except Exception as exc:  # Python's own parser reads the header, and raises whatever it likes
        raise ValueError(f"its header cannot be read, {type(exc).__name__}") from exc
    if dtype.hasobject:
        raise ValueError("it holds Python objects, no numbers")
    count, found = math.prod(shape), len(data) - file.tell()
    if found != count * dtype.itemsize:
        raise ValueError(f"its header tells of {count} values, {found} bytes follow")
    values: NDArray[Any] = np.frombuffer(data, dtype, count, file.tell())
    return values.reshape(shape, order="F" if by_column else "C")


def read_anchors(path: Path) -> NDArray[np.float32]:
    """float32 (count, 4) from an ``.npy``; raises :class:`BundleError` for anything else."""
    try:
        anchors = load_npy(path)
    except OSError as exc:
        raise BundleError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise BundleError(f"{path}: not an array of anchors ({exc})") from exc
    if anchors.dtype != np.float32 or anchors.ndim != 2 or anchors.shape[1] != 4:
        raise BundleError(
            f"{path}: expected float32 (count, 4), found {anchors.dtype} {anchors.shape}"
        )
    return anchors
