"""Models compiled for an accelerator, told by the operators that their file names.

The doctor reads this too: standard library alone, and what Python 3.9 can import.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from device.files import MOST_OF_A_MODEL, read_regular

EDGE_TPU_OPERATOR = "edgetpu-custom-op"  # stands for all that Coral's compiler took
EDGE_TPU_LIBRARY = "libedgetpu.so.1"  # carries it out
MOST_OPERATORS = 1000  # kinds of them in one file: the format has not 300

# Fields of the format's tables, by number: Model.operator_codes, OperatorCode.custom_code.
_OPERATOR_CODES, _CUSTOM_CODE = 1, 1


def is_compiled_for_edge_tpu(path: Path) -> bool:
    """Whether ``path`` is a `.tflite` that was compiled for a Coral Edge TPU."""
    try:
        return EDGE_TPU_OPERATOR in custom_operators(read_regular(path, MOST_OF_A_MODEL))
    except OSError:
        return False


def custom_operators(data: bytes) -> list[str]:
    """Names of the custom operators that a `.tflite` of these bytes uses; none of damaged ones.

    Reads the table of operators alone, as FlatBuffers lay it out
    (https://flatbuffers.dev/internals/), not what follows.
    """
    if data[4:8] != b"TFL3":
        return []
    try:
        codes = _Table(data, _uint32(data, 0)).reference(_OPERATOR_CODES)
        if codes is None:
            return []
        places = [codes + 4 + 4 * n for n in range(min(_uint32(data, codes), MOST_OPERATORS))]
        tables = [_Table(data, place + _uint32(data, place)) for place in places]
        names = [table.reference(_CUSTOM_CODE) for table in tables]
        return [_text(data, name) for name in names if name is not None]
    except struct.error:
        return []


class _Table(NamedTuple):
    """A table at a place in a FlatBuffer."""

    data: bytes
    place: int

    def reference(self, field: int) -> int | None:
        """The place that a field refers to; None where it is left out."""
        (back,) = struct.unpack_from("<i", self.data, self.place)
        fields = self.place - back
        if fields < 0:
            raise struct.error("a table of fields before the file's first byte")
        (length,) = struct.unpack_from("<H", self.data, fields)
        if 4 + 2 * field >= length:
            return None
        (offset,) = struct.unpack_from("<H", self.data, fields + 4 + 2 * field)
        place = self.place + offset
        return place + _uint32(self.data, place) if offset else None


def _uint32(data: bytes, place: int) -> int:
    (number,) = struct.unpack_from("<I", data, place)
    return int(number)


def _text(data: bytes, place: int) -> str:
    return data[place + 4 : place + 4 + _uint32(data, place)].decode("utf-8", "replace")
