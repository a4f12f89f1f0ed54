"""The doctor's report: findings as text for a person, and as JSON for a program."""

from __future__ import annotations

import collections
import dataclasses
import json
import textwrap
import time
from collections.abc import Sequence

from device import __version__
from device.doctor.case import Case
from device.doctor.finding import VERDICTS, Finding, Verdict, worst

FORMAT = 1
# Each reads without its colour. ANSI: 32 green, 33 yellow, 31 red, 36 cyan.
LABELS: dict[Verdict, tuple[str, str]] = {
    "ok": ("  ok", "32"),
    "unknown": ("? unknown", "36"),
    "warning": ("! warning", "33"),
    "problem": ("X PROBLEM", "31;1"),
}
NAMES: dict[Verdict, tuple[str, str]] = {
    "problem": ("problem", "problems"),
    "warning": ("warning", "warnings"),
    "unknown": ("could not be checked", "could not be checked"),
    "ok": ("ok", "ok"),
}


def format_text(case: Case, findings: Sequence[Finding], width: int, colour: bool) -> str:
    """One entry per finding, the gravest last, then how many there are of each."""
    lines = [f"liteberry {__version__} on {case.board.title}", ""]
    label_width = max(len(label) for label, _ in LABELS.values())
    check_width = max((len(finding.check) for finding in findings), default=0)
    indent = " " * (label_width + check_width + 4)
    for finding in sorted(findings, key=lambda finding: VERDICTS.index(finding.verdict)):
        label, code = LABELS[finding.verdict]
        head = f"{_coloured(label.ljust(label_width), code, colour)}  "
        body = textwrap.wrap(
            f"{finding.check.ljust(check_width)}  {finding.found}",
            max(40, width - label_width - 2),
            subsequent_indent=" " * (check_width + 2),
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        lines.append(head + body[0])
        lines += [" " * (label_width + 2) + line for line in body[1:]]
        if finding.mend is not None:
            lines.append(f"{indent}-> {finding.mend}")  # unbroken, so that it can be copied
    counts = collections.Counter(finding.verdict for finding in findings)
    parts = [
        _coloured(
            f"{counts[verdict]} {NAMES[verdict][counts[verdict] != 1]}", LABELS[verdict][1], colour
        )
        for verdict in reversed(VERDICTS)
        if counts[verdict] or verdict == "problem"
    ]
    return "\n".join([*lines, "", ", ".join(parts)])


def format_json(case: Case, findings: Sequence[Finding]) -> str:
    """Everything, as documented in ``docs/doctor.md``."""
    counts = collections.Counter(finding.verdict for finding in findings)
    report = {
        "format": FORMAT,
        "liteberry": __version__,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(case.now_s)),
        "verdict": worst(findings),
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "board": {"title": case.board.title, **dataclasses.asdict(case.board)},
        "state": dataclasses.asdict(case.state),
        "python": case.python.name,
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    return json.dumps(report, indent=1)


def _coloured(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
