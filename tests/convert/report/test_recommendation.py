from __future__ import annotations

import msgspec
import pytest

from convert.report.facts import gather
from convert.report.recommendation import (
    PI_4,
    PI_5,
    Verdict,
    advise,
    best_for,
    headline,
    judge,
    points,
)
from tests.helpers.measured_report import accuracy_of, with_check


@pytest.mark.parametrize(
    ("drop", "interval", "verdict"),
    [
        (0.004, (-0.001, 0.009), Verdict.GOOD),
        (0.004, (-0.010, 0.020), Verdict.UNSURE),
        (0.004, None, Verdict.GOOD),
        (0.011, (0.009, 0.015), Verdict.BAD),
        (-0.010, (-0.020, 0.000), Verdict.GOOD),
    ],
)
def test_verdict_follows_the_loss_and_its_interval(manifest, drop, interval, verdict):
    facts = gather(manifest, accuracy_of(manifest, {"int8": drop}, {"int8": interval}))
    assert judge(facts, facts.variant("int8")) is verdict


@pytest.mark.parametrize(
    ("drops", "on_pi_5", "on_pi_4"),
    [
        ({}, "int8", "int8"),
        ({"int8": 0.05}, "float16", "dynamic"),
        ({"int8": 0.05, "float16": 0.05}, "dynamic", "dynamic"),
        ({"int8": 0.05, "dynamic": 0.05}, "float16", "float16"),
        ({"int8": 0.05, "dynamic": 0.05, "float16": 0.05}, "float32", "float32"),
    ],
)
def test_boards_get_the_variant_that_is_right_and_cheap(manifest, drops, on_pi_5, on_pi_4):
    recipe = manifest.variants["float16"].recipe | {"half_arithmetic": True}
    float16 = msgspec.structs.replace(manifest.variants["float16"], recipe=recipe)
    manifest = msgspec.structs.replace(manifest, variants=manifest.variants | {"float16": float16})
    facts = gather(manifest, accuracy_of(manifest, drops))
    assert best_for(facts, PI_5).name == on_pi_5
    assert best_for(facts, PI_4).name == on_pi_4
    start = "Stay with" if on_pi_5 == "float32" else "Take"
    assert headline(facts)[0].startswith(f"{start} {on_pi_5}")


def test_variant_that_litert_cannot_load_is_not_recommended(manifest):
    manifest = with_check(manifest, "int8", "litert", ok=False, reason="op 7", invoke_ms=None)
    facts = gather(manifest, accuracy_of(manifest))
    assert best_for(facts, PI_5).name != "int8"
    assert "LiteRT does not load it" in " ".join(advise(facts)[0].reasons)


def test_advice_for_this_machine_follows_the_times(manifest):
    quick = with_check(manifest, "float16", "litert", invoke_ms=0.5)
    here = advise(gather(quick, accuracy_of(quick)))[-1]
    assert (here.variant, here.interpreter) == ("float16", "LiteRT")
    assert "0.5 ms" in here.reasons[0]


def test_unsure_interval_is_said(manifest):
    facts = gather(manifest, accuracy_of(manifest, {}, {"int8": (-0.01, 0.03)}))
    first, told = headline(facts)
    assert first.startswith("Try int8")
    assert "measure on more pictures" in told


def test_agreement_below_the_limit_recommends_nothing_smaller(manifest):
    for name in ("int8", "dynamic", "float16"):
        manifest = with_check(manifest, name, "litert", agreement=0.7)
    facts = gather(manifest, None)
    assert best_for(facts, PI_5).name == "float32"


def test_likeness_alone_is_worth_a_try(manifest):
    first, _ = headline(gather(manifest, None))
    assert first.startswith("Try int8")
    assert "accuracy was not measured" in first


@pytest.mark.parametrize(
    ("share", "text"), [(0.0123, "1.2"), (-0.0123, "\N{MINUS SIGN}1.2"), (-0.0001, "0.0")]
)
def test_points_have_a_real_minus_and_no_minus_zero(share, text):
    assert points(share) == text
