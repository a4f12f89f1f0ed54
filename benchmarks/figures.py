"""Writes the table of docs/speed.md from the files that ``bench --json`` wrote here.

    python benchmarks/figures.py

Nothing between the two markers is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from device.bench.record import Benchmark, CombinationResult, count_of, read  # noqa: E402

PAGE = ROOT / "docs" / "speed.md"
BEGIN = "<!-- figures: made by `make figures`, not by hand -->\n"
END = "<!-- end of figures -->\n"


def measured() -> list[Benchmark]:
    """What was measured, Raspberry Pis before host machines, by the files' names."""
    found = [read(path) for path in sorted((ROOT / "benchmarks").glob("*.json"))]
    return sorted(found, key=lambda benchmark: not benchmark.board.is_pi)


def section(benchmark: Benchmark) -> str:
    """One board: what and when, the table, and what speaks against trusting it."""
    machine = benchmark.machine[0].upper() + benchmark.machine[1:]
    threads = sorted({result.threads for result in benchmark.results})
    kind = "" if benchmark.board.is_pi else ", a host machine's figures and not a Raspberry Pi's"
    head = [
        "variant",
        "interpreter",
        *(f"invoke, {count_of(number, 'thread')}" for number in threads),
        "whole frames",
        "peak memory",
    ]
    rows = {}
    for result in benchmark.results:
        rows.setdefault((result.variant, f"{result.interpreter} {result.version}"), []).append(
            result
        )
    lines = [
        f"**{machine}**, {count_of(benchmark.board.cpu.cores, 'core')}, {benchmark.board.os}, "
        f"{benchmark.made_at[:10]}{kind}:",
        "",
        f"| {' | '.join(head)} |",
        f"| --- | --- |{' ---: |' * (len(head) - 2)}",
        *(f"| {' | '.join([*names, *_cells(found, threads)])} |" for names, found in rows.items()),
        "",
        "Medians by",
        "",
        "```sh",
        benchmark.command,
        "```",
    ]
    if benchmark.priority != "normal":
        lines += ["", f"Measured with {benchmark.priority} priority."]
    if benchmark.warnings:
        lines += ["", f"Not stable: {'; '.join(benchmark.warnings)}."]
    return "\n".join(lines) + "\n"


def _cells(results: Sequence[CombinationResult], threads: Sequence[int]) -> list[str]:
    """The figures of one variant in one interpreter; the last two are those of its best."""
    by_threads = {result.threads: result for result in results}
    cells = []
    for number in threads:
        result = by_threads.get(number)
        if result is None:
            cells.append("")
        else:
            cells.append("fails" if result.invoke is None else f"{result.invoke.median_ms:.1f} ms")
    best = max(results, key=lambda result: result.best_fps)
    whole = best.end_to_end
    cells.append("" if whole is None else f"{whole.fps:.0f} FPS")
    memory = best.memory if whole is None else whole.memory
    cells.append("" if memory is None else f"{memory.peak_mb:.0f} MB")
    return cells


def replaced(page: str, benchmarks: Sequence[Benchmark]) -> str:
    """``page`` with what is between its markers made anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n".join(map(section, benchmarks)) + END + after


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), measured()), "utf-8")


if __name__ == "__main__":
    main()
