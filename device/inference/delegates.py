"""External delegates: shared libraries that carry out operators in an interpreter's stead.

LiteRT knows them by two functions they export. Loading one runs its code: a model is first tried
with it in a child process (:mod:`device.inference.delegate_trial`, or the trial run of a bare
model).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from device.compiled_model import EDGE_TPU_LIBRARY, EDGE_TPU_OPERATOR
from device.errors import DelegateError, InterpreterError
from device.paths import real_path
from device.system.accelerators import what_edge_tpu_needs

FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
GET_LIBRARY = (
    "install libedgetpu (docs/coral.md says how), or name it with --delegate PATH; without a "
    "Coral take the file it was compiled from, the name without _edgetpu"
)


def delegate_for(asked: str | None, operators: Iterable[str]) -> str | None:
    """The library to load for a model with ``operators``: the one asked for, or its compiler's."""
    if asked is None and EDGE_TPU_OPERATOR in operators:
        return EDGE_TPU_LIBRARY
    return asked


def library_of(text: str) -> str:
    """What ``--delegate`` names: a path, made absolute, or a library that the system knows."""
    path = Path(text)
    return str(real_path(path)) if "/" in text or path.is_file() else text


def load_delegate(backend: Any, library: str, interpreter: str) -> Any:
    """The delegate that ``library`` makes, for the ``interpreter`` whose module is ``backend``.

    Raises ``DelegateError``, and ``InterpreterError`` for an interpreter that takes none.
    """
    if not hasattr(backend, "load_delegate"):
        raise InterpreterError(f"{interpreter} takes no delegate: --interpreter litert does")
    name = Path(library).name
    exported = open_library(library)
    missing = [function for function in FUNCTIONS if not hasattr(exported, function)]
    if missing:
        raise DelegateError(f"{library} is no delegate for LiteRT: it has no {missing[0]}")
    try:
        return backend.load_delegate(library)
    except ValueError as exc:
        said = " ".join(str(exc).splitlines()[1:]).strip()
        reason = f" ({said})" if said else ""
        if is_edge_tpu(library):
            needed = what_edge_tpu_needs()
            raise DelegateError(f"{name} opens no Edge TPU{reason}: {needed}") from exc
        raise DelegateError(
            f"the delegate {name} makes none here{reason}: is what it drives plugged in, and may "
            "this user open it?"
        ) from exc


def is_edge_tpu(library: str) -> bool:
    """Whether ``library`` is Coral's, by its name."""
    return Path(library).name.startswith("libedgetpu")


def require_runtime(library: str, needed: int | None) -> None:
    """Raise ``DelegateError`` where Coral's ``library`` is older than a model that needs a runtime.

    What cannot be told holds.
    """
    if needed is None or not is_edge_tpu(library):
        return
    found = runtime_of(open_library(library))
    if found is not None and found < needed:
        raise DelegateError(
            f"the model needs Edge TPU runtime {needed}, {Path(library).name} is runtime {found}: "
            "install a newer libedgetpu, or compile with edgetpu_compiler "
            f"--min_runtime_version {found}"
        )


def runtime_of(library: Any) -> int | None:
    """The runtime version that an open libedgetpu tells; None of another library."""
    if not hasattr(library, "edgetpu_version"):
        return None
    library.edgetpu_version.restype = ctypes.c_char_p
    said = library.edgetpu_version() or b""
    found = re.search(rb"RuntimeVersion\((\d{1,6})\)", said)
    return int(found[1]) if found else None


def open_library(library: str) -> Any:
    """The shared library. Raises ``DelegateError`` where there is none, or not for this machine."""
    try:
        return ctypes.CDLL(library)
    except OSError as exc:  # here: what the interpreter's own loader raises leaves half an object
        if library == EDGE_TPU_LIBRARY and "No such file" in str(exc) and library in str(exc):
            raise DelegateError(f"{library} is not installed: {GET_LIBRARY}") from exc
        raise DelegateError(f"the delegate {library} cannot be loaded ({exc})") from exc
