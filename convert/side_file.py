"""Side files: what was found out about a bundle, as JSON beside its manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from convert.errors import EvaluationError
from device.files import read_regular
from device.system.atomic_file import write_whole

MOST_BYTES = 100_000_000  # a search of a day leaves a few

Record = TypeVar("Record")


def read_side_file(path: Path, decode: Callable[[bytes], Record], again: str) -> Record | None:
    """What ``decode`` makes of the file; None where there is none.

    Raises :class:`EvaluationError`, ending in what is to be done ``again``, where it is of no use.
    """
    try:
        return decode(read_regular(path, MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise EvaluationError(f"{path} cannot be read: {exc.strerror}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EvaluationError(f"{path}: {exc}; {again}") from exc


def write_side_file(
    path: Path, record: msgspec.Struct, advice: str = "choose another file"
) -> None:
    """Write it whole or not at all. Raises ``SinkError``, ending in ``advice``."""
    data = msgspec.json.format(msgspec.json.encode(record), indent=1)
    write_whole(path, data + b"\n", advice)
