"""The scene as viewers get it: its places, and whether they can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

ADVICE = "to draw here, start the run with --zones zones.toml, the file in which they are kept"


class SceneView(msgspec.Struct, frozen=True):
    """The places in force, as tables, and whether they can be changed."""

    zone: Sequence[Any] = ()
    line: Sequence[Any] = ()
    mask: Sequence[Any] = ()
    file: str | None = None  # in which they are kept
    advice: str | None = ADVICE  # what to do for them to be changed; None where they can be
    left_out: Sequence[str] = ()  # what cannot be used, and why
