from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

from device.bench.combination import combinations
from device.bench.record import BenchmarkSettings
from device.bench.rounds import measure
from device.bundle.bundle import Bundle
from tests.conftest import ROOT
from tests.device.bench.conftest import BRIEF, ONE


def test_each_round_measures_everything_anew(small_bundle):
    steps: list[tuple[int, int]] = []
    measured = measure(
        Bundle(small_bundle),
        [ONE],
        BenchmarkSettings(rounds=2, source="demo", references=True, **BRIEF),
        lambda done, total: steps.append((done, total)),
    )
    # Invokes, frames, a bare loop and LiteRT's script, twice.
    assert steps == [(done, 8) for done in range(1, 9)]
    assert len(measured.moments) == 3
    (result,) = measured.results
    assert result.error == ""
    assert [len(times_ms) >= 3 for times_ms in result.rounds_ms] == [True, True]
    assert result.invoke.count == sum(map(len, result.rounds_ms))
    assert result.fps == pytest.approx(1e3 / result.invoke.mean_ms, rel=0.01)
    assert result.end_to_end.frame.count == sum(map(len, result.end_to_end.rounds_ms))
    assert [item.name for item in result.references] == ["bare loop", "LiteRT's script"]
    for other in result.references:
        assert other.error == ""
        pairs = zip(result.rounds_ms, other.rounds_ms, strict=True)
        ratios = [statistics.median(ours) / theirs for ours, theirs in pairs]
        assert other.ratio == pytest.approx(statistics.median(ratios), rel=0.001)


def test_combination_that_fails_has_its_reason_and_does_not_stop_the_others(bundle_copy):
    def edit(manifest):
        manifest["variants"]["broken"] = manifest["variants"]["int8"] | {"file": "broken.tflite"}

    bundle_copy.change(edit)
    bundle_copy.replace("broken.tflite", b"rubbish")
    bundle = Bundle(bundle_copy.folder)
    planned = combinations(bundle, ["broken", "int8"], ["litert"], [1])
    bad, good = measure(
        bundle, planned, BenchmarkSettings(rounds=1, **BRIEF), lambda *_: None
    ).results
    assert "litert 2.3.0 refuses broken.tflite" in bad.error
    assert bad.invoke is None
    assert good.invoke is not None


def test_parent_loads_nothing_that_its_processes_would_share():
    code = (
        "import sys; from pathlib import Path; from device.cli import main; "
        "import device.bench.session, device.bench.table, device.bench.comparison; "
        "print(sorted({'cv2', 'ai_edge_litert', 'tflite_runtime'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
