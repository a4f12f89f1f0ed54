"""The page's table of measured figures is what the committed measurements say."""

from __future__ import annotations

import dataclasses
import importlib.util

import pytest

from device.bench.record import Benchmark, encode
from tests.conftest import ROOT
from tests.device.bench.conftest import PI, make_benchmark, make_failure, make_result

SPEC = importlib.util.spec_from_file_location("figures", ROOT / "benchmarks" / "figures.py")
figures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figures)


def test_page_has_the_figures_of_the_committed_files():
    page = figures.PAGE.read_text("utf-8")
    assert figures.replaced(page, figures.measured()) == page, "run `make figures`"
    assert figures.measured(), "there is nothing in benchmarks/"


def table(benchmark: Benchmark) -> list[list[str]]:
    lines = figures.section(benchmark).splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| ") and "---" not in line
    ]


def test_row_has_the_median_per_number_of_threads_and_the_best_whole_frames():
    benchmark = make_benchmark(
        [
            make_result(((40.0,) * 3,), frames_ms=((50.0,) * 3,)),
            make_result(((20.0,) * 3,), threads=4, frames_ms=((25.0,) * 3,)),
            make_result(((60.0,) * 3,), variant="float32"),
            make_failure("dynamic"),
        ]
    )
    assert table(benchmark) == [
        ["variant", "interpreter", "invoke, 1 thread", "invoke, 4 threads", "whole frames",
         "peak memory"],
        ["int8", "litert 2.3.0", "40.0 ms", "20.0 ms", "40 FPS", "95 MB"],
        ["float32", "litert 2.3.0", "60.0 ms", "", "", "95 MB"],
        ["dynamic", "litert 2.3.0", "fails", "", "", ""],
    ]  # fmt: skip


def test_figures_come_with_machine_date_command_and_warnings():
    warned = make_benchmark([make_result()], warnings=("the governor is odd",), priority="nice -5")
    said = figures.section(warned)
    assert "**Raspberry Pi 5 Model B Rev 1.0**, 4 cores" in said
    assert "2026-11-21" in said
    assert "python -m device bench bundle\n" in said
    assert "Not stable: the governor is odd." in said
    assert "Measured with nice -5 priority." in said
    assert "host" not in said


def test_host_machine_is_called_one_and_comes_after_the_boards(tmp_path, monkeypatch):
    host = dataclasses.replace(PI, model=None)
    (tmp_path / "benchmarks").mkdir()
    for name, board in (("a", host), ("b", PI)):
        benchmark = make_benchmark([make_result()], board=board, machine=board.title)
        (tmp_path / "benchmarks" / f"{name}.json").write_bytes(encode(benchmark))
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    boards, hosts = figures.measured()
    assert boards.board.is_pi
    assert "a host machine's figures and not a Raspberry Pi's" in figures.section(hosts)


@pytest.mark.parametrize("page", ["", figures.BEGIN, figures.END])
def test_readme_without_its_markers_is_not_touched(page):
    with pytest.raises(ValueError, match="unpack"):
        figures.replaced(page, [])


def test_only_what_is_between_the_markers_changes():
    page = f"before\n{figures.BEGIN}old\n{figures.END}after\n"
    new = figures.replaced(page, [make_benchmark([make_result()])])
    assert new.startswith(f"before\n{figures.BEGIN}**Raspberry")
    assert new.endswith(f"```\n{figures.END}after\n")
    assert "old" not in new
