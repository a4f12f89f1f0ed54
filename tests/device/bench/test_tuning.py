from __future__ import annotations

import pytest

from device.bench.tuning import pick, rate
from tests.device.bench.conftest import make_failure, make_result

NOW = "2026-11-21T10:00:00Z"


def result(median_ms, **fields):
    return make_result(((median_ms,) * 3,), **fields)


def test_fastest_is_taken():
    results = [result(40, threads=1), result(20, threads=2), result(10, threads=4)]
    choice = pick(results, NOW)["int8"]
    assert (choice.interpreter, choice.threads, choice.fps) == ("litert", 4, 100.0)
    assert (choice.version, choice.measured_at) == ("2.3.0", NOW)


def test_three_threads_beat_four_on_a_pi_3():
    assert pick([result(90, threads=3), result(110, threads=4)], NOW)["int8"].threads == 3


def test_thread_that_gains_next_to_nothing_is_left_to_others():
    assert pick([result(10.2, threads=3), result(10.0, threads=4)], NOW)["int8"].threads == 3
    assert pick([result(10.4, threads=3), result(10.0, threads=4)], NOW)["int8"].threads == 4


def test_interpreter_that_is_fastest_is_taken_and_the_preferred_one_in_doubt():
    slow = result(10.0)
    assert pick([slow, result(5.0, interpreter="tensorflow")], NOW)["int8"].interpreter == (
        "tensorflow"
    )
    assert pick([result(9.9, interpreter="tensorflow"), slow], NOW)["int8"].interpreter == "litert"


def test_whole_frames_count_where_they_were_measured():
    # Alone four threads are faster; with the camera's work beside them three are.
    results = [
        result(12.0, threads=3, frames_ms=((13.0,) * 3,)),
        result(10.0, threads=4, frames_ms=((16.0,) * 3,)),
    ]
    assert rate(results[0]) == pytest.approx(1e3 / 13)
    assert pick(results, NOW)["int8"].threads == 3


def test_every_variant_gets_its_own_and_one_that_fails_none():
    results = [result(10), result(5, variant="float16", threads=2), make_failure("dynamic")]
    assert {name: choice.threads for name, choice in pick(results, NOW).items()} == {
        "int8": 1,
        "float16": 2,
    }
