from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.slimming.ladder import (
    SIZES,
    Move,
    Rung,
    next_towards,
    next_within,
    size_for,
    steps_towards,
)


def cost(size):
    """As pixels, of 300."""
    return (size / 300) ** 2


def search(drop_of, max_drop=1.0, size=300, fixed=False):
    """All that is tried where ``drop_of`` says what a size and a cost lose."""
    history = []
    while (move := next_within(history, size, max_drop, cost, fixed)) is not None:
        reached = cost(move.size) if move.cost is None else move.cost
        history.append(Rung(move, reached, drop_of(move.size, reached)))
        assert len(history) < 40
    return history


def test_pixels_go_by_half_until_too_much_is_lost_then_the_size_between():
    # 140 pixels are enough and 108 are not; channels cost points at once.
    tried = search(lambda size, share: 5.0 if size < 140 or share < cost(size) else 0.0)
    assert [item.move.name for item in tried[:5]] == [
        "236px",
        "172px",
        "108px",
        "140px",
        "140px-16",
    ]
    assert tried[3].move.parent == 1  # made from 172, which held


def test_channels_go_from_the_best_size_until_too_much_is_lost():
    tried = search(lambda size, share: 0.0 if size >= 236 and share >= 0.3 else 9.0)
    narrowed = [item for item in tried if item.move.cost is not None]
    assert {item.move.size for item in narrowed} == {236}
    assert [round(item.cost, 3) for item in narrowed] == [0.464, 0.348, 0.261]
    assert narrowed[1].move.parent == tried.index(narrowed[0])


def test_where_no_size_holds_channels_go_from_the_original():
    tried = search(lambda size, share: 9.0 if size < 300 else 0.0 if share > 0.6 else 9.0)
    assert Move(300, 0.75, -1) in [item.move for item in tried]


def test_size_that_was_asked_for_stays():
    tried = search(lambda _, share: 0.5 if share > 0.05 else 9.0, size=160, fixed=True)
    assert {item.move.size for item in tried} == {160}
    assert tried[0].move == Move(160, None)
    assert tried[-1].drop == 9.0


@given(st.floats(0, 3), st.integers(0, 1000), st.booleans())
def test_search_always_ends_and_goes_on_only_from_what_held(limit, seed, fixed):
    def drop_of(size, share):
        return ((seed * size) % 7) * 0.3 + (1 - share)

    for at, item in enumerate(tried := search(drop_of, limit, 300, fixed)):
        assert item.move.parent < at
        if item.move.parent >= 0:
            assert tried[item.move.parent].drop <= limit


def test_goals_are_reached_in_steps_from_the_last():
    history = [Rung(Move(160, None), 0.28, 0.0)]
    assert next_towards(history, [0.25], 160, 0.28) == Move(160, 0.25, 0)
    assert next_towards(history, [0.1], 160, 0.28) == Move(160, pytest.approx(0.21), 0)
    assert next_towards([Rung(Move(160, 0.1), 0.102, 0.0)], [0.1], 160, 0.28) is None


def test_smaller_size_is_learnt_before_channels_go():
    assert next_towards([], [0.25], 160, 0.28) == Move(160, None)
    assert next_towards([], [0.9, 0.8], 300, 1.0) == Move(300, 0.9, -1)


@pytest.mark.parametrize(
    ("goals", "size", "whole", "steps"),
    [([0.9, 0.8, 0.7, 0.6], 300, 1.0, 4), ([0.25], 160, 0.28, 2), ([0.5], 300, 1.0, 3)],
)
def test_steps_are_counted_beforehand(goals, size, whole, steps):
    assert steps_towards(goals, size, whole) == steps


@pytest.mark.parametrize(("goal", "size"), [(0.25, 172), (0.5, 204), (0.05, 76), (0.99, 300)])
def test_size_is_the_smallest_that_costs_about_as_much(goal, size):
    assert size_for(goal, 300, cost) == size


def test_sides_are_halved_as_the_published_one_is():
    assert SIZES == (76, 108, 140, 172, 204, 236, 268)

    def odd_ones(side):
        halves = [side]
        while len(halves) < 5:  # to the finest map
            halves.append(math.ceil(halves[-1] / 2))
        return [half % 2 for half in halves]

    assert {tuple(odd_ones(side)) for side in SIZES} == {tuple(odd_ones(300))}
