"""Archives of named arrays (``.npz``), which never hold anything that is run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAMAGED = (ValueError, EOFError, KeyError, zipfile.BadZipFile)  # what NumPy makes of an archive

Arrays = dict[str, NDArray[Any]]


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An archive of ``arrays``, as :func:`read_arrays` reads it."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def read_arrays(path: Path) -> Arrays:
    """The arrays at ``path``, by name. Raises ``OSError``, or one of :data:`DAMAGED`."""
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
