from __future__ import annotations

import pytest

from device.doctor.finding import VERDICTS, Finding, worst


@pytest.mark.parametrize(
    ("verdicts", "gravest"),
    [
        ([], "ok"),
        (["ok", "unknown"], "unknown"),
        (["warning", "unknown", "ok"], "warning"),
        (["ok", "problem", "warning"], "problem"),
    ],
)
def test_worst_verdict_is_the_gravest_of_all(verdicts, gravest):
    assert worst(Finding("a check", verdict, "found") for verdict in verdicts) == gravest


def test_verdicts_are_in_order_of_their_gravity():
    assert VERDICTS == ("ok", "unknown", "warning", "problem")
