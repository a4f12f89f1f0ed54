"""The part of a network that Coral's compiler took: what its bytes say of themselves.

Layout: https://github.com/google-coral/libedgetpu, ``tflite/custom_op_data.cc`` and
``executable/executable.fbs``.
"""

from __future__ import annotations

import contextlib


def oldest_runtime(options: bytes) -> int | None:
    """The oldest Edge TPU runtime that runs the part.

    ``options`` are those of its operator: a FlexBuffer that holds a FlatBuffer, whose first field
    is the number. None where they are damaged: the runtime itself will say so.
    """
    from flatbuffers import flexbuffers

    with contextlib.suppress(Exception):  # readers raise whatever damaged bytes make them
        return _first_number(bytes(flexbuffers.GetRoot(options).AsMap["4"].AsStringBytes))
    return None


def _first_number(data: bytes) -> int | None:
    """The number in the first field of the root table of a FlatBuffer."""
    from flatbuffers import encode, number_types, table

    root = table.Table(data, encode.Get(number_types.UOffsetTFlags.packer_type, data, 0))
    offset = root.Offset(4)
    return int(root.Get(number_types.Int32Flags, root.Pos + offset)) if offset else None
