"""The committed counts of a bundle: read, compared with new ones, and shown as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from convert.arm.count import FrameCount
from convert.arm.emulator import BOARDS, CPUS, Cpu
from device.errors import BenchmarkError
from device.runtimes import InterpreterName
from device.schema import Record

TOLERANCE = 0.02
WATCHED = ("invoke", "frame")


class Figure(Record, frozen=True):
    """What one variant costs in one interpreter on one processor; or why it does not run there."""

    variant: str
    interpreter: InterpreterName
    cpu: Cpu
    count: FrameCount | None = None
    error: str = ""

    @property
    def title(self) -> str:
        """Which of the figures this is."""
        return f"{self.variant} in {self.interpreter} on {self.cpu}"


class InstructionCounts(Record, frozen=True):
    """All counts of a bundle, and what they were counted with."""

    model: str
    date: str  # ISO 8601
    command: str
    versions: dict[str, str]
    frame_wh: tuple[int, int]
    counts: tuple[Figure, ...]


def read_figures(path: Path) -> InstructionCounts:
    """Raises ``BenchmarkError`` where there is no such file, or it is none of counts."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=InstructionCounts)
    except OSError as exc:
        raise BenchmarkError(f"{path}: {exc.strerror}; --update writes it") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BenchmarkError(f"{path}: {exc}; --update writes it anew") from exc


def format_figures(figures: InstructionCounts) -> bytes:
    """``figures`` as indented JSON, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"


def find_growth(committed: InstructionCounts, found: InstructionCounts) -> Iterator[str]:
    """A phrase for each count that grew by more than 2 %, or is no longer had.

    What has no committed figure, or cost less than it, is not complained of.
    """
    now = {figure.title: figure for figure in found.counts}
    for before in committed.counts:
        after = now.get(before.title)
        if after is None:
            yield f"{before.title}: not counted any more"
        elif before.count is not None and after.count is None:
            yield f"{before.title}: does not run any more ({after.error})"
        elif before.count is not None and after.count is not None:
            for what in WATCHED:
                old, new = getattr(before.count, what), getattr(after.count, what)
                if new > old * (1 + TOLERANCE):
                    yield f"{what} of {before.title}: {old:,} became {new:,} ({new / old - 1:+.1%})"


def format_table(figures: InstructionCounts) -> str:
    """Counts in millions, and what they were counted with, as Markdown."""
    columns = [(cpu, what) for cpu in CPUS for what in WATCHED]
    heading = [f"{cpu.title()} ({BOARDS[cpu]}), {what}" for cpu, what in columns]
    rows = [["variant", "interpreter", *heading], ["---", "---", *["---:"] * len(columns)]]
    counts = {(item.variant, item.interpreter, item.cpu): item.count for item in figures.counts}
    for variant, interpreter in dict.fromkeys(key[:2] for key in counts):
        row = [variant, interpreter]
        for cpu, what in columns:
            count = counts.get((variant, interpreter, cpu))
            row.append("does not run" if count is None else f"{getattr(count, what) / 1e6:.2f}")
        rows.append(row)
    versions = ", ".join(f"{name} {version}" for name, version in figures.versions.items())
    width, height = figures.frame_wh
    return "\n".join(
        [
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
            f"Millions of instructions, one thread, frames of {width}x{height} pixels; counted on "
            f"{figures.date} by `{figures.command}` with {versions}.",
        ]
    )


def with_table(document: str, figures: InstructionCounts) -> str:
    """``document`` with the table between the marks of its model renewed; as is without marks."""
    begin, end = f"<!-- counts of {figures.model} -->", "<!-- end of counts -->"
    before, opened, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        return document
    return f"{before}{begin}\n{format_table(figures)}\n{end}{after}"
