"""Findings: what a check found, and its verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

# `unknown` is what could not be checked; a `problem` would stop a run, a `warning` would not.
Verdict = Literal["ok", "unknown", "warning", "problem"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # mildest first


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``mend`` is the command, or where there is none what to do."""

    check: str
    verdict: Verdict
    found: str
    mend: str | None = None


def worst(findings: Iterable[Finding]) -> Verdict:
    """The gravest verdict; ``ok`` where there is none."""
    return max((finding.verdict for finding in findings), key=VERDICTS.index, default="ok")
