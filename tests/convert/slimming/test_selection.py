from __future__ import annotations

import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation.coco_map import ClassMatches
from convert.slimming.held_out import Look
from convert.slimming.selection import Judgement, Trial, cheapest, judge

IMAGES = 200


def look(missed=()):
    """One object on each picture, found by all but the ``missed``, each a detection of its own."""
    right = np.ones((10, IMAGES), np.bool_)
    right[:, list(missed)] = False
    positives = np.ones(IMAGES, np.int64)
    nothing = np.zeros_like(right)
    return Look((ClassMatches(positives, np.arange(IMAGES), right, nothing),), IMAGES)


def trial(name, cost, distance, missed):
    return Trial(name, cost, distance, look(range(0, IMAGES, IMAGES // missed) if missed else ()))


def test_the_cheapest_within_the_promise_is_kept():
    # 4, 10 and 40 of 200 pictures missed: mAP falls with them.
    trials = [
        trial("half", 0.5, 0.01, 0),
        trial("third", 0.33, 0.02, 4),
        trial("tenth", 0.1, 0.5, 40),
    ]
    found = judge(look(), trials, max_drop=8.0, seed=0)
    assert trials[found.kept].name == "third"
    assert found.interval is not None
    assert found.interval[0] <= found.drop <= found.interval[1]
    assert found.keeps(8.0)


def test_promise_that_nothing_keeps_names_the_closest():
    trials = [trial("half", 0.5, 0.3, 40), trial("third", 0.33, 0.6, 100)]
    found = judge(look(), trials, max_drop=5.0, seed=0)
    assert trials[found.kept].name == "half"
    assert not found.keeps(5.0)


def test_promise_that_the_pictures_cannot_tell_is_refused_with_how_many_could():
    with pytest.raises(EvaluationError, match=r"about [0-9]+ pictures would do"):
        judge(look(), [trial("half", 0.5, 0.3, 40)], max_drop=0.05, seed=0)


def test_cheapest_of_what_is_expected_to_hold():
    trials = [trial(str(cost), cost, 0.1, 0) for cost in (0.9, 0.5, 0.2)]
    assert cheapest(trials, [0.1, 0.9, 2.0], 1.0) == 1
    assert cheapest(trials, [3.0, 2.0, 5.0], 1.0) == 1  # none: the closest
    with pytest.raises(EvaluationError, match="--minutes"):
        cheapest([], [], 1.0)


@pytest.mark.parametrize(
    ("verdict", "holds"),
    [
        (Judgement(0, 0.9, (0.2, 1.8), 0.8), True),
        (Judgement(0, 2.0, (1.1, 3.0), 0.8), False),  # measured: surely more
        (Judgement(0, 0.5, (0.0, 1.0), 1.2), False),  # expected: more
    ],
)
def test_promise_is_kept_by_what_is_expected_and_not_refuted(verdict, holds):
    assert verdict.keeps(1.0) is holds
