from __future__ import annotations

import math

import numpy as np
import pytest

from device.bench.comparison import compare, differences, ratio_interval, t_quantile
from device.bench.record import BenchmarkSettings
from tests.device.bench.conftest import make_benchmark, make_failure, make_result

STEADY = ((10.0, 10.0), (10.1, 10.1), (9.9, 9.9))


def times(rounds_ms, factor):
    return tuple(tuple(time_ms * factor for time_ms in one) for one in rounds_ms)


def verdict(old, new, tolerance=0.05):
    (change,) = compare(
        make_benchmark([make_result(old)]), make_benchmark([make_result(new)]), tolerance
    )
    return change.verdict


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(1.0, "same"), (1.02, "same"), (1.2, "slower"), (0.8, "faster"), (2.0, "slower")],
)
def test_verdict_on_steady_rounds_follows_the_ratio(factor, expected):
    assert verdict(STEADY, times(STEADY, factor)) == expected


def test_tolerance_decides_what_is_a_regression():
    slower = times(STEADY, 1.1)
    assert verdict(STEADY, slower, 0.05) == "slower"
    assert verdict(STEADY, slower, 0.15) == "same"


def test_difference_that_is_smaller_than_the_noise_is_unclear():
    noisy = ((8.0, 8.0), (12.0, 12.0), (10.0, 10.0))
    assert verdict(noisy, times(noisy, 1.1)) == "unclear"


def test_one_round_proves_nothing():
    assert verdict(((10.0,),), ((20.0,),)) == "unclear"


def test_many_alike_invokes_of_one_process_do_not_outweigh_the_rounds():
    old = tuple((median,) * 500 for median in (8.0, 12.0, 10.0))
    assert verdict(old, times(old, 1.1)) == "unclear"


def test_interval_of_two_and_two_rounds_is_that_computed_by_hand():
    # Medians e^0, e^0.2 and e^1, e^1.2: each variance is 0.02, over 2 rounds 0.01, together 0.02.
    # Freedom 0.02^2 / (2 * 0.01^2 / 1) = 2: t is 4.303.
    old, new = ((1.0,), (math.exp(0.2),)), ((math.e,), (math.exp(1.2),))
    low, high = ratio_interval(math.e, old, new)
    reach = 4.303 * math.sqrt(0.02)
    assert math.log(low) == pytest.approx(1 - reach, abs=0.006)
    assert math.log(high) == pytest.approx(1 + reach, abs=0.006)


def test_rounds_without_any_spread_give_their_ratio_exactly():
    assert ratio_interval(2.0, ((1.0,), (1.0,)), ((2.0,), (2.0,))) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("freedom", "expected"),  # from tables
    [(2, 4.303), (3, 3.182), (4, 2.776), (8, 2.306), (30, 2.042), (1e9, 1.960)],
)
def test_t_quantile_is_that_of_the_tables(freedom, expected):
    assert t_quantile(0.975, freedom) == pytest.approx(expected, rel=0.01)


def test_interval_holds_the_truth_nineteen_times_in_twenty():
    generator = np.random.default_rng(1)
    held, trials = 0, 1000
    for _ in range(trials):
        # Five processes each, whose levels differ by 3 %, and within them invokes by 1 %.
        old, new = (
            np.exp(level + generator.normal(0, 0.03, (5, 1)) + generator.normal(0, 0.01, (5, 20)))
            for level in (0.0, 0.1)
        )
        ratio = float(np.median(new) / np.median(old))
        low, high = ratio_interval(ratio, old.tolist(), new.tolist())
        held += low <= math.exp(0.1) <= high
    assert held / trials > 0.93


def test_only_what_both_have_is_compared():
    old = make_benchmark([make_result(), make_result(threads=2), make_failure("float16")])
    new = make_benchmark([make_result(threads=2), make_result(threads=4), make_result()])
    names = [change.name for change in compare(old, new, 0.05)]
    assert names == ["int8 in litert, 2 threads: invoke", "int8 in litert, 1 thread: invoke"]


def test_frames_are_compared_where_both_have_them():
    old = make_benchmark([make_result(frames_ms=STEADY)])
    new = make_benchmark([make_result(frames_ms=times(STEADY, 1.5))])
    changes = {change.name.split(": ")[1]: change for change in compare(old, new, 0.05)}
    assert changes["invoke"].verdict == "same"
    assert changes["frame"].verdict == "slower"
    assert changes["frame"].ratio == pytest.approx(1.5)


def test_what_ran_and_fails_now_is_a_regression():
    old = make_benchmark([make_result(variant="dynamic")])
    (change,) = compare(old, make_benchmark([make_failure("dynamic")]), 0.05)
    assert change.verdict == "fails now"
    assert change.is_regression


def test_other_machine_bundle_and_versions_are_named():
    old = make_benchmark(
        [make_result()], machine="Raspberry Pi 4 Model B Rev 1.4", packages={"numpy": "1.25.0"}
    )
    new = make_benchmark([make_result()], bundle_sha256="cd" * 32)
    said = list(differences(old, new))
    assert said == [
        "measured on another machine: Raspberry Pi 4 Model B Rev 1.4, now Raspberry Pi 5 Model B "
        "Rev 1.0",
        "another bundle: abababababab, now cdcdcdcdcdcd",
        "numpy was 1.25.0, now 1.26.4",
    ]
    assert list(differences(new, new)) == []


def test_other_priority_is_named():
    old, new = (make_benchmark([make_result()], priority=how) for how in ("normal", "real-time 5"))
    assert list(differences(old, new)) == [
        "the scheduler's priority was normal, now real-time 5",
    ]


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("demo", "clip.mp4", "frames came from demo, now from clip.mp4"),
        (None, "demo", "whole frames were not measured then: only invokes are compared"),
        ("demo", None, "whole frames are not measured now: only invokes are compared"),
    ],
)
def test_other_source_is_named(before, now, says):
    old, new = (
        make_benchmark([make_result()], settings=BenchmarkSettings(rounds=2, source=source))
        for source in (before, now)
    )
    assert list(differences(old, new)) == [says]
