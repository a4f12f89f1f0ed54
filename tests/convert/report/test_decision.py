from __future__ import annotations

import msgspec

from convert.report.decision import decide
from convert.report.facts import gather
from convert.report.recommendation import (
    PI_5,
    best_for,
)
from tests.helpers.measured_report import accuracy_of, with_check


def test_float16_that_asks_for_float32_arithmetic_gains_nothing_on_a_pi_5(manifest):
    float16 = msgspec.structs.replace(
        manifest.variants["float16"], recipe={"precision": "float16", "half_arithmetic": False}
    )
    manifest = msgspec.structs.replace(manifest, variants=manifest.variants | {"float16": float16})
    facts = gather(manifest, accuracy_of(manifest, {"int8": 0.05}))
    assert best_for(facts, PI_5).name == "dynamic"
    assert "asks for float32 arithmetic" in decide(facts)[2].here


def test_decision_goes_on_where_a_step_gains_no_time(manifest):
    manifest = with_check(manifest, "float32", "litert", invoke_ms=10.0)
    manifest = with_check(manifest, "dynamic", "litert", invoke_ms=25.0)
    manifest = with_check(manifest, "int8", "litert", invoke_ms=4.0)
    dynamic, int8, _ = decide(gather(manifest, accuracy_of(manifest)))
    assert "slower in LiteRT (25.0 ms against 10.0)" in dynamic.here
    assert "go on if time matters" in dynamic.outcome
    assert "2.5 times as fast" in int8.here
    assert "Stop here" in int8.outcome
