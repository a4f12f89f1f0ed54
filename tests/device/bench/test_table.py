from __future__ import annotations

import dataclasses

from device.bench.comparison import compare
from device.bench.table import align, format_benchmark, format_changes
from device.inference.autotune import TunedSettings
from device.system.board import Cpu
from tests.device.bench.conftest import make_benchmark, make_failure, make_result


def test_words_are_flush_left_and_numbers_right():
    assert align([("name", "ms"), ("a", "12.50")], left=1) == "name     ms\na     12.50"


def test_table_has_a_row_per_combination_and_says_what_failed(full):
    said = format_benchmark(full)
    lines = said.splitlines()
    assert lines[0].startswith("Raspberry Pi 5 Model B Rev 1.0: 4 cores, NEON, dotprod, fp16")
    rows = [line.split() for line in lines if line.startswith(("int8", "float32"))]
    # variant, interpreter, version, threads, load, first, median, p90, p99, std, FPS, ...
    assert rows[0][:7] == ["int8", "litert", "2.3.0", "1", "30", "8.0", "4.10"]
    assert rows[0][-3:] == ["99", "70", "95"]
    assert "dynamic in litert, 1 thread: refuses dynamic.tflite" in lines
    assert "timing itself adds at most 0.002 %" in said
    assert "end to end from demo" in said
    assert "ratio 1.020" in said
    assert "LiteRT's script fails: No module named 'ml_dtypes'" in said


def test_sustained_run_shows_its_beginning_slowest_and_end(full):
    said = format_benchmark(full).split("sustained: ")[1]
    assert "12 stretches" in said
    rows = [line.split() for line in said.splitlines()[2:] if line]
    assert [row[0] for row in rows] == ["5", "60"]  # the slowest is the last
    assert rows[1][2] == "14.5"
    assert rows[1][-1] == "77.5"


def test_choice_is_told():
    choice = TunedSettings(
        interpreter="litert", version="2.3.0", threads=3, fps=12.0, measured_at="2026-11-21"
    )
    said = format_benchmark(make_benchmark([make_result()], chosen={"int8": choice}))
    assert said.endswith("best here for int8: litert, 3 threads")


def test_benchmark_of_failures_alone_has_no_empty_tables():
    said = format_benchmark(make_benchmark([make_failure()]))
    assert "invoke alone" not in said


def test_changes_show_both_figures_ratio_interval_and_verdict():
    old = make_benchmark([make_result(((10.0,), (10.0,))), make_result(variant="dynamic")])
    new = make_benchmark([make_result(((20.0,), (20.0,))), make_failure("dynamic")])
    said = format_changes(list(compare(old, new, 0.05))).splitlines()
    assert said[1].split()[-7:] == ["10.00", "20.00", "2.000", "2.000", "to", "2.000", "slower"]
    assert said[2].split()[-3:] == ["4.10", "fails", "now"]


def test_machine_without_features_is_not_called_something_it_is_not(full):
    board = dataclasses.replace(full.board, model=None, machine="x86_64", cpu=Cpu("Old", 1, ()))
    said = format_benchmark(make_benchmark([make_result()], board=board, machine=board.title))
    assert said.startswith("host machine (Old, x86_64): 1 core, ")
