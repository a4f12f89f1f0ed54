"""Strict records: typed, immutable structs that msgspec reads from JSON, and their field types."""

from __future__ import annotations

from typing import Annotated

import msgspec

MOST = 2**31 - 1  # of what is counted: a flatbuffer, and C, count no further

Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
Index = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of a manifest share: immutable, and strict about their keys."""
