"""Drawn parts: what is painted on a picture, as ``--draw`` names it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

PARTS = ("boxes", "labels", "scores", "status")
EVERYTHING = frozenset(PARTS)
FINDINGS = EVERYTHING - {"status"}


def parts_for(asked: AbstractSet[str] | None, *, moving: bool) -> AbstractSet[str]:
    """What is asked for, else what suits: a photograph has no frame rate to tell."""
    if asked is not None:
        return asked
    return EVERYTHING if moving else FINDINGS
