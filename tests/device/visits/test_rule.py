from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.records import ZoneState
from device.visits.rule import Rule, RuleError, RuleWatch, parse_rule

QUIET = ZoneState(name="z", inside=0, entered=0, left=0, dwell_s=None, wait_s=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("till 1: more than 4 for 30 s", ("till 1", "more than", 4, None, 30.0)),
        ("yard:at least 1 dog", ("yard", "at least", 1, "dog", 0.0)),
        ("yard: fewer than 2 hot dog for 1.5 min", ("yard", "fewer than", 2, "hot dog", 90.0)),
        ("hall: empty for 1 h", ("hall", "at most", 0, None, 3600.0)),
        ("hall: occupied", ("hall", "at least", 1, None, 0.0)),
        ("till 1: wait over 3 min for 10 s", ("till 1", "over", 180.0, None, 10.0)),
    ],
)
def test_rule_in_words(text, expected):
    rule = parse_rule("r", text)
    assert (rule.place, rule.comparison, rule.limit, rule.label, rule.for_s) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("more than 4", "no colon"),
        ("till 1: mor than 4", "'mor than 4', from character 9 on"),
        ("till 1: more than four for 3 s", "'more than four', from character 9 on"),
        ("till 1: more than 4 for 3", "'more than 4 for 3', from character 9 on"),
        ("till 1:", "'', from character 8 on"),
        ("till 1: wait over 3", "'wait over 3'"),
    ],
)
def test_place_of_what_cannot_be_understood_is_named(text, why):
    with pytest.raises(RuleError, match="^" + why.replace("(", r"\(")):
        parse_rule("r", text)


WORDS = ["z: ", "more than", " 4", "for", " 3 s", " min", "wait over", ":", "dog", "\n"]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=8).map("".join))
def test_any_text_is_a_rule_or_refused(text):
    with contextlib.suppress(RuleError):
        assert parse_rule("r", text).for_s >= 0


@pytest.mark.parametrize(
    ("comparison", "counts"),
    [
        ("more than", [False, False, True]),
        ("at least", [False, True, True]),
        ("fewer than", [True, False, False]),
        ("at most", [True, True, False]),
    ],
)
def test_comparison(comparison, counts):
    rule = Rule(name="r", place="z", comparison=comparison, limit=4)
    assert [rule.holds(count, None) for count in (3, 4, 5)] == counts


def test_unknown_wait_is_not_a_long_one():
    rule = parse_rule("r", "z: wait over 1 min")
    assert [rule.holds(9, wait_s) for wait_s in (None, 60.0, 60.5)] == [False, False, True]


def changes(rule, counts):
    """What a rule does, second by second."""
    watch = RuleWatch(rule)
    return [
        (second, change)
        for second, count in enumerate(counts)
        if (change := watch.update(count, QUIET, float(second)))
    ]


def test_rule_begins_after_its_time_and_ends_after_as_long():
    rule = parse_rule("r", "z: more than 4 for 3 s")
    assert changes(rule, [5] * 10 + [4] * 10) == [(3, "began"), (13, "ended")]


def test_count_that_wavers_begins_and_ends_a_rule_once():
    rule = parse_rule("r", "z: more than 4 for 3 s")
    wavering = [5, 5, 4, 5, 5, 5, 5, 4, 4, 5, 4, 5, 5, 4, 4, 4, 4, 5, 4]
    assert changes(rule, wavering) == [(6, "began"), (16, "ended")]


def test_rule_without_a_time_ends_after_two_seconds():
    rule = parse_rule("r", "z: occupied")
    assert changes(rule, [1, 0, 1, 0, 0, 0]) == [(0, "began"), (5, "ended")]
