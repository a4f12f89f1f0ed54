from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.bench import cell
from device.bench.record import BenchmarkSettings
from device.bench.reference import Loop, bare_loop_ms
from device.bench.rounds import measure
from device.bundle.bundle import Bundle
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from device.runtimes import ORIGINS
from tests.device.bench.conftest import BRIEF, ONE


def test_others_loops_see_the_picture_that_was_timed_not_noise(small_bundle, monkeypatch):
    seen: list[NDArray[np.int8]] = []

    def loop_ms(loop: Loop) -> float:
        seen.append(np.load(loop.input))
        return bare_loop_ms(loop)

    monkeypatch.setattr(cell, "references_for", lambda _: {"bare loop": loop_ms})
    settings = BenchmarkSettings(rounds=2, references=True, **BRIEF)
    (result,) = measure(Bundle(small_bundle), [ONE], settings, lambda *_: None).results
    (other,) = result.references
    assert other.error == ""
    bundle = Bundle(small_bundle)
    (sample, *_) = bundle.manifest.samples
    with Engine(bundle, "int8", interpreter="litert") as engine:
        engine.prepare(Frame(read_image(bundle.file(sample.file)), 0, 0.0))
        expected = engine.interpreter.input_tensor().copy()
    assert [bool((image == expected).all()) for image in seen] == [True, True]


def test_loop_that_cannot_run_leaves_our_own_figures(small_bundle, monkeypatch):
    monkeypatch.setitem(ORIGINS, "litert", ORIGINS["litert"]._replace(module="no_such_module"))
    # Our process has ORIGINS of its own; the bare loop's is given the module's name from here.
    settings = BenchmarkSettings(rounds=1, references=True, **BRIEF)
    (result,) = measure(Bundle(small_bundle), [ONE], settings, lambda *_: None).results
    assert result.invoke is not None
    bare, script = result.references
    assert "No module named 'no_such_module'" in bare.error
    assert bare.ratio is None
    assert script.ratio is not None
