from __future__ import annotations

import math
import re

import pytest

from device.errors import UsageError
from device.visits.plan import MOST, read_plan

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
ZONE = {"name": "till 1", "points": SQUARE}
LABELS = ["person", "dog"]


def left_out(**tables):
    plan, lines = read_plan(tables, LABELS)
    assert not plan
    (line,) = lines
    return line


def test_whole_plan_is_read():
    plan, lines = read_plan(
        {
            "zone": [{**ZONE, "queue": True, "threshold": {"person": 0.6}, "smallest": 0.1}],
            "line": [{"name": "door", "start": [0.5, 0], "end": [0.5, 1], "classes": ["dog"]}],
            "mask": [{"points": SQUARE}],
            "rule": [{"name": "crowd", "when": "till 1: more than 4 person for 30 s"}],
        },
        LABELS,
    )
    assert lines == []
    assert plan
    assert plan.zones[0].queue
    assert plan.lines[0].classes == ("dog",)
    assert len(plan.masks) == 1
    assert (plan.rules[0].place, plan.rules[0].label) == ("till 1", "person")


def test_masks_alone_need_no_visits():
    plan, _ = read_plan({"mask": [{"points": SQUARE}]})
    assert not plan
    assert plan.masks


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "sides 1 and 3 cross"),
        ({"points": [[0, 0], [1.5, 0], [1, 1]]}, r"point 2 \(1.5, 0\) is not in the picture"),
        ({"points": "everywhere"}, "expected `array`, got `str`, at `points`"),
        ({"points": [[0, 0, 0]]}, "expected `array` of length 2"),
        ({"points": [[0.5, 0.5]] * 101}, "length <= 100"),
        ({"pionts": SQUARE}, "unknown field `pionts`"),
        ({"threshold": 50}, r"expected `float` <= 1.0|expected `float"),
        ({"classes": ["persn"]}, "no class 'persn'; did you mean person"),
        ({"name": "a: b"}, "a name without a colon"),
        ({"name": "\x1b[2J"}, "a name without a colon"),
    ],
)
def test_zone_that_cannot_be_used_is_left_out_and_why_is_said(change, why):
    line = left_out(zone=[{**ZONE, **change}])
    assert line.startswith("zone 1 (")
    assert re.search(f"is left out: .*(?:{why})", line), line
    assert "\n" not in line
    assert "\x1b" not in line


def test_second_of_one_name_is_left_out_and_the_first_stays():
    plan, (line,) = read_plan({"zone": [ZONE, {**ZONE, "name": "Till 1"}]})
    assert len(plan.zones) == 1
    assert line == (
        "zone 2 ('Till 1') is left out: zone 1 has this name too: give each a name of its own"
    )


def test_line_needs_two_ends_in_the_picture():
    one = {"name": "door", "start": [0.5, 0.5], "end": [0.5, 0.5]}
    assert "its start is its end" in left_out(line=[one])
    assert "end (0.5, 2) is not in the picture" in left_out(line=[{**one, "end": [0.5, 2]}])


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("till 1: mor than 4", "'mor than 4', from character 9 on, is no condition"),
        ("till 2: empty", "no zone 'till 2'; did you mean till 1"),
        ("till 1: more than 4 persons", "no class 'persons'; did you mean person"),
        ("till 1: wait over 3 min", "zone 'till 1' is no queue: add queue = true"),
    ],
)
def test_rule_that_cannot_be_used_is_left_out_and_why_is_said(when, why):
    plan, (line,) = read_plan({"zone": [ZONE], "rule": [{"name": "r", "when": when}]}, LABELS)
    assert line.startswith(f"rule 'r' is left out: when = {when!r}: ")
    assert why in line
    assert plan.rules == ()


@pytest.mark.parametrize(
    ("points", "flaw", "black"),
    [
        ([[0, 0], [0.5, 0.5], [0.5, 0], [0, 0.5]], "sides 1 and 3 cross: give the points in order",
         ((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))),
        ([[-1, 0.5], [0.5, -1], [0.6, 0.6]], "point 1 (-1, 0.5) is not in the picture",
         ((0, 0), (0.6, 0), (0.6, 0.6), (0, 0.6))),
        ([[320, 0], [640, 0], [0, 480]], "point 1 (320, 0) is not in",
         ((0, 0), (1, 0), (1, 1), (0, 1))),
        ([[0.1, 0.1], [0.5, 0.4]], "2 points: at least 3 are expected",
         ((0.1, 0.1), (0.5, 0.1), (0.5, 0.4), (0.1, 0.4))),
    ],
)  # fmt: skip
def test_mask_that_is_no_polygon_is_black_all_around_and_is_told(points, flaw, black):
    plan, (line,) = read_plan({"mask": [{"points": SQUARE}, {"points": points}]})
    assert line.startswith(f"mask 2: {flaw}")
    assert line.endswith("; all of the rectangle around it is black instead")
    assert [mask.points for mask in plan.masks] == [tuple(map(tuple, SQUARE)), black]


@pytest.mark.parametrize(
    "mask",
    [{"points": []}, {"points": [[2, 2], [3, 2], [3, 3]]}, {"points": [[0, 0], [1, math.nan]]}, {}],
)
def test_mask_of_which_nothing_is_known_ends_the_run(mask):
    with pytest.raises(UsageError, match=r"^mask 2: .*; without it more would be shown"):
        read_plan({"mask": [{"points": SQUARE}, mask]})


def test_number_of_zones_is_bounded():
    zones = [{**ZONE, "name": f"z{number}"} for number in range(MOST + 1)]
    plan, (line,) = read_plan({"zone": zones})
    assert len(plan.zones) == MOST
    assert f"more than {MOST}" in line
