"""A cell's bookkeeping, over processes that answer at once with figures made up."""

from __future__ import annotations

import pytest

from device.bench import cell as module
from device.bench.cell import Cell, job_for
from device.bench.job import Frames, Invokes
from device.bench.record import BenchmarkSettings, MemoryUse
from device.bundle.bundle import Bundle
from device.errors import InterpreterError
from tests.device.bench.conftest import BRIEF, ONE

MEMORY = [MemoryUse(resident_mb=n, proportional_mb=n / 2, peak_mb=2 * n) for n in (90.0, 100.0)]


def invokes(number: int) -> Invokes:
    """A process that took 2 ms for each of two invokes, or 4 ms."""
    took_ms = 2.0 * (number + 1)
    return Invokes(
        delegate="XNNPACK",
        import_ms=10.0,
        load_ms=3.0 + number,
        first_invoke_ms=5.0,
        invoke_ms=(took_ms, took_ms),
        timing_cost_ms=0.003,
        cpu_percent=100.0,
        memory=MEMORY[number],
    )


def frames(number: int) -> Frames:
    took_ms = 10.0 * (number + 1)
    return Frames(
        frame_ms=(took_ms, took_ms),
        age_ms=(took_ms,),
        stages_ms={"invoke": (2.0,)},
        dropped=1,
        cpu_percent=120.0,
        memory=MEMORY[number],
    )


@pytest.fixture
def asked(monkeypatch):
    """The kinds of answers that were asked for, in order."""
    asked = []

    def ask(worker, job, kind, where):
        asked.append(kind)
        made = {Invokes: invokes, Frames: frames}[kind]
        return made(asked.count(kind) - 1)

    monkeypatch.setattr(module, "ask", ask)
    return asked


@pytest.fixture
def make_cell(small_bundle, tmp_path):
    def make(bundle=None, **settings) -> Cell:
        options = BenchmarkSettings(rounds=2, **BRIEF, **settings)
        return Cell(bundle or Bundle(small_bundle), ONE, options, tmp_path)

    return make


def test_result_is_of_all_invokes_of_all_rounds(make_cell, asked):
    cell, done = make_cell(), []
    for number in range(2):
        cell.run(number, lambda: done.append(1))
    result = cell.result()
    assert len(done) == 2
    assert result.rounds_ms == ((2.0, 2.0), (4.0, 4.0))
    assert result.invoke.mean_ms == 3.0
    assert result.fps == 333.33
    assert result.load_ms == 3.5  # the median of 3 and 4
    assert result.timing_cost_percent == 0.1  # 0.003 of 3 ms
    assert result.memory == MemoryUse(resident_mb=95.0, proportional_mb=47.5, peak_mb=200.0)
    assert result.end_to_end is None
    assert result.references == ()


def test_rounds_begin_with_another_step_each_time(make_cell, asked):
    cell = make_cell(source="demo")
    for number in range(2):
        cell.run(number, lambda: None)
    assert asked == [Invokes, Frames, Frames, Invokes]
    end_to_end = cell.result().end_to_end
    assert end_to_end.frame.mean_ms == 15.0
    assert end_to_end.fps == 66.67
    assert end_to_end.dropped == 2
    assert end_to_end.rounds_ms == ((10.0, 10.0), (20.0, 20.0))


def test_loops_of_others_are_compared_round_by_round(make_cell, asked, monkeypatch):
    times_ms = iter([1.0, 8.0])
    references = {"loop": lambda _: next(times_ms)}
    monkeypatch.setattr(module, "references_for", lambda _: references)
    cell = make_cell(references=True)
    for number in (0, 2):  # of two steps: invokes come first both times
        cell.run(number, lambda: None)
    (reference,) = cell.result().references
    assert reference.rounds_ms == (1.0, 8.0)
    assert reference.ratio == 1.25  # the median of 2 / 1 and 4 / 8


def test_loop_that_fails_is_asked_once_and_spoils_nothing_else(make_cell, asked, monkeypatch):
    def fails(_):
        asked.append("loop")
        raise InterpreterError("no such operator")

    monkeypatch.setattr(module, "references_for", lambda _: {"loop": fails})
    cell = make_cell(references=True)
    for number in (0, 2):
        cell.run(number, lambda: None)
    result = cell.result()
    assert asked == [Invokes, "loop", Invokes]
    assert [item.error for item in result.references] == ["no such operator"]
    assert result.error == ""


def test_combination_that_fails_is_not_tried_again(make_cell, monkeypatch):
    calls = []

    def fails(*_):
        calls.append(1)
        raise InterpreterError("it crashed")

    monkeypatch.setattr(module, "ask", fails)
    cell, done = make_cell(source="demo"), []
    for number in range(2):
        cell.run(number, lambda: done.append(1))
    assert len(calls) == 1
    assert len(done) == 4  # the progress goes on to its end
    result = cell.result()
    assert (result.error, result.invoke) == ("it crashed", None)
    assert result.size_bytes > 0


def test_what_is_known_to_fail_is_not_tried(bundle_copy, make_cell, monkeypatch):
    monkeypatch.setattr(module, "ask", None)  # would be called, were it tried

    def edit(manifest):
        manifest["variants"]["int8"]["checks"]["litert"].update(ok=False, reason="all boxes wrong")

    bundle_copy.change(edit)
    cell = make_cell(Bundle(bundle_copy.folder))
    cell.run(0, lambda: None)
    assert cell.result().error == "known to fail: all boxes wrong"


def test_process_in_another_folder_finds_its_source(small_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").touch()
    bundle = Bundle(small_bundle)
    for source, expected in (("film.mp4", str(tmp_path / "film.mp4")), ("demo", "demo")):
        job = job_for(bundle, ONE, BenchmarkSettings(rounds=1, source=source, seed=7, **BRIEF))
        assert job.source == expected
        assert (job.variant, job.interpreter, job.threads, job.seed) == (*ONE, 7)
    assert job.bare is None
