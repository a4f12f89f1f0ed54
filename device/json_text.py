"""JSON that others wrote, decoded into a type."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import msgspec

Content = TypeVar("Content")


@overload
def decode_json(data: bytes | bytearray | str, kind: type[Content]) -> Content: ...
@overload
def decode_json(data: bytes | bytearray | str, kind: object) -> Any: ...
def decode_json(data: bytes | bytearray | str, kind: Any) -> Any:
    """The content of ``data``, checked against ``kind``.

    Raises ``msgspec.DecodeError`` whatever is wrong with it: for text that is no UTF-8, and for
    what is nested too deep, msgspec itself raises others.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (UnicodeDecodeError, RecursionError) as exc:
        raise msgspec.DecodeError(str(exc)) from exc
