from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.slimming.ladder import (
    LEFT_OUT,
    NARROWER,
    NEAR,
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


SPLIT = 0.9  # of the cost that is left where convolutions are split


def search(drop_of, max_drop=1.0, size=300, fixed=False, left_out=LEFT_OUT, mixed=False):
    """All that is tried where ``drop_of`` says what a size and a cost lose."""
    history = []
    while (move := next_within(history, size, max_drop, cost, fixed, left_out, mixed)) is not None:
        reached = cost(move.size) if move.cost is None else move.cost
        if move.left_out:
            reached = SPLIT * (history[move.parent].cost if move.parent >= 0 else reached)
        history.append(Rung(move, reached, drop_of(move.size, reached)))
        assert len(history) < 40
    return history


def test_middle_size_is_tried_then_the_middle_of_those_that_are_left():
    # 140 pixels are enough and 124 are not; channels cost points at once.
    tried = search(lambda size, share: 5.0 if size < 140 or share < cost(size) else 0.0)
    assert [item.move.name for item in tried] == [
        "172px",
        "124px",
        "156px",
        "140px",
        "140px-lowrank",
        "140px-16",
    ]
    assert [item.move.parent for item in tried] == [-1, 0, 0, 2, 3, 3]  # from the last that held


@pytest.mark.parametrize(
    ("left_out", "costs"), [(0.0, [0.464, 0.348, 0.261]), (LEFT_OUT, [0.418, 0.313, 0.235])]
)
def test_channels_go_from_the_best_network_until_too_much_is_lost(left_out, costs):
    tried = search(
        lambda size, share: 0.0 if size >= 236 and share >= 0.3 else 9.0, left_out=left_out
    )
    narrowed = [item for item in tried if item.move.cost is not None]
    assert {item.move.size for item in narrowed} == {236}
    assert [round(item.cost, 3) for item in narrowed] == costs
    assert narrowed[1].move.parent == tried.index(narrowed[0])


def test_convolutions_are_split_once_from_the_best_size_and_stay_split_where_that_holds():
    tried = search(lambda size, share: 0.0 if size >= 236 and share >= 0.3 else 9.0)
    (split,) = [item for item in tried if item.move.left_out]
    assert split.move == Move(236, None, 1, LEFT_OUT)
    assert [item.move.size for item in tried[:3]] == [172, 236, 204]
    first = next(item for item in tried if item.move.cost is not None)
    assert tried[first.move.parent] is split
    tried = search(lambda _, share: 0.0 if share >= 0.6 else 9.0)  # 236 pixels, split, are 0.557
    first = next(item for item in tried if item.move.cost is not None)
    assert tried[first.move.parent].move == Move(236, None)


def test_smaller_size_is_not_made_from_a_split_network():
    history = [Rung(Move(172, None), 0.33, 9.0), Rung(Move(300, None, -1, LEFT_OUT), 0.9, 0.5)]
    assert next_within(history, 300, 1.0, cost) == Move(236, None, -1)


def test_where_no_size_holds_channels_go_from_the_original():
    def drop_of(size, share):
        return 9.0 if size < 300 else 0.0 if share > 0.6 else 9.0

    assert Move(300, 0.75, -1) in [item.move for item in search(drop_of, left_out=0.0)]
    split, first = search(drop_of)[-3:-1]
    assert split.move == Move(300, None, -1, LEFT_OUT)
    assert first.move == Move(300, 0.9 * 0.75, search(drop_of).index(split))


def test_where_no_split_holds_channels_go_from_what_it_was_made_from():
    def drop_of(size, share):
        return 9.0 if size < 300 or share > 0.8 else 0.0

    for fixed in (False, True):
        assert Move(300, 0.75, -1) in [item.move for item in search(drop_of, fixed=fixed)]


def test_search_with_another_promise_splits_what_is_best_by_it():
    history = [
        Rung(Move(236, None), 0.62, 4.0),
        Rung(Move(268, None), 0.80, 3.0),
        Rung(Move(300, None, -1, LEFT_OUT), 0.93, 0.5),
    ]
    assert next_within(history, 300, 3.5, cost) == Move(268, None, 1, LEFT_OUT)
    channels = Move(268, 0.8 * 0.75, 1)
    history.append(Rung(Move(268, None, 1, LEFT_OUT), 0.74, 5.0))
    assert next_within(history, 300, 3.5, cost) == channels
    history[-1] = Rung(channels, 0.6, 2.0)  # it is no longer the network of all channels
    assert next_within(history, 300, 3.5, cost) == Move(268, 0.6 * 0.75, 3)


def test_size_that_was_asked_for_stays():
    tried = search(lambda _, share: 0.5 if share > 0.05 else 9.0, size=160, fixed=True)
    assert {item.move.size for item in tried} == {160}
    assert tried[0].move == Move(160, None)
    assert tried[-1].drop == 9.0


@given(st.floats(0, 3), st.integers(0, 1000), st.booleans(), st.booleans())
def test_search_always_ends_and_goes_on_only_from_what_held(limit, seed, fixed, mixed):
    def drop_of(size, share):
        return ((seed * size) % 7) * 0.3 + (1 - share)

    for at, item in enumerate(tried := search(drop_of, limit, 300, fixed, mixed=mixed)):
        assert item.move.parent < at
        if item.move.parent >= 0:
            assert tried[item.move.parent].drop <= limit


def made_towards(goals, size=300, fixed=False, mixed=False):
    """All that is made on the way to ``goals``."""
    history = []
    while (move := next_towards(history, goals, size, cost, fixed, mixed)) is not None:
        history.append(Rung(move, cost(move.size) if move.cost is None else move.cost, 0.0))
    assert steps_towards(goals, size, cost, fixed, mixed) == len(history)
    return history


def towards(goals, size=300, fixed=False, mixed=False):
    """The names of what is made, and what each is made from."""
    return [(item.move.name, item.move.parent) for item in made_towards(goals, size, fixed, mixed)]


def test_goals_are_reached_by_sides_each_learnt_from_the_last():
    # 268 pixels are 0.80 of the cost and serve two goals, 236 are 0.619 and 220 are 0.54.
    assert towards([0.85, 0.8, 0.7, 0.6]) == [("268px", -1), ("236px", 0), ("220px", 1)]
    assert towards([0.5, 0.25]) == [("204px", -1), ("140px", 0)]


def test_channels_go_in_steps_where_no_side_costs_about_as_much():
    # 92 pixels are 0.094 of the cost and 76 are 0.064, less than three quarters of 0.09.
    assert towards([0.1]) == [("92px", -1)]
    assert towards([0.09]) == [("92px", -1), ("92px-9.0", 0)]
    assert towards([0.03]) == [("76px", -1), ("76px-5.0", 0), ("76px-3.9", 1), ("76px-3.0", 2)]


def test_side_that_was_asked_for_is_learnt_before_channels_go():
    assert towards([0.2], 160, fixed=True) == [("160px", -1), ("160px-20", 0)]
    assert towards([0.5], 160, fixed=True) == [("160px", -1)]
    assert towards([0.9, 0.8], 300, fixed=True) == [("300px-90", -1), ("300px-80", 0)]


def test_side_that_was_asked_for_loses_channels_at_once_where_labels_teach_and_they_are_few():
    assert towards([0.2], 160, fixed=True, mixed=True) == [("160px-20", -1)]
    many = [("160px", -1), ("160px-21", 0), ("160px-15", 1)]  # 0.15 of 0.284 is less than 0.5625
    assert towards([0.15], 160, fixed=True, mixed=True) == many
    assert towards([0.5], 160, fixed=True, mixed=True) == [("160px", -1)]


def test_where_labels_teach_channels_go_with_the_pixels():
    # 0.706 of 252 pixels is 0.585 ** 0.65; 124 pixels cost 0.171, and 0.5625 of that is 0.096.
    assert towards([0.57], mixed=True) == [("252px-57", -1)]
    assert towards([0.1], mixed=True) == [("124px-10", -1)]
    assert towards([0.9, 0.6], mixed=True) == [("284px", -1), ("252px-60", -1)]
    assert towards([0.03], mixed=True)[0] == ("76px", -1)  # 0.5625 of 0.064 is more than that


def test_where_labels_teach_sides_are_tried_with_fewer_channels_each_from_the_original():
    tried = search(lambda _, share: 0.0 if share >= 0.2 else 9.0, mixed=True)
    # 188 pixels cost 0.393, and of that are left 0.393 ** (1 / 0.65) = 0.237.
    assert [item.move.name for item in tried] == [
        "188px-24",
        "124px-9.6",
        "156px-15",
        "172px-18",
        "188px-lowrank",
        "188px-16",
    ]
    assert [item.move.parent for item in tried] == [-1, -1, -1, -1, 0, 4]


def test_where_no_side_holds_channels_go_from_the_original():
    tried = search(lambda size, share: 0.0 if size == 300 and share > 0.6 else 9.0, mixed=True)
    assert [item.move.name for item in tried if item.move.size == 300] == [
        "300px-lowrank",
        "300px-68",
        "300px-51",
    ]


def test_goal_that_is_nearly_reached_is_reached():
    history = [Rung(Move(300, 0.5), 0.51, 0.0)]
    assert next_towards(history, [0.5], 300, cost) is None


@pytest.mark.parametrize(
    ("goal", "size"), [(0.25, 140), (0.5, 204), (0.1, 92), (0.01, 76), (0.9, 284)]
)
def test_side_is_the_largest_within_the_goal_that_nearly_uses_it_up(goal, size):
    assert size_for(goal, 300, cost) == size


ORIGINALS = st.sampled_from([524, 364, 300, 140, 76])


@given(st.lists(st.floats(0.02, 0.99), min_size=1, max_size=5), ORIGINALS, st.booleans())
def test_every_goal_is_reached(goals, size, mixed):
    costs = [cost(size), *(item.cost for item in made_towards(goals, size, mixed=mixed))]
    assert min(costs) <= min(goals) * NEAR


@given(st.floats(0.02, 0.95), st.sampled_from([524, 364, 300]), st.booleans())
def test_goal_is_used_up_by_three_quarters_or_more(goal, size, mixed):
    def share(side):
        return (side / size) ** 2

    history = []
    while (move := next_towards(history, [goal], size, share, mixed=mixed)) is not None:
        history.append(Rung(move, share(move.size) if move.cost is None else move.cost, 0.0))
    assert NARROWER * goal <= history[-1].cost <= goal * NEAR


def test_sides_are_halved_as_the_published_one_is():
    assert list(SIZES) == list(range(76, 300, 16))

    def odd_ones(side, steps):
        halves = [side]
        while len(halves) < steps:
            halves.append(math.ceil(halves[-1] / 2))
        return [half % 2 for half in halves]

    to_finest, to_second = 4, 5  # sides that are halved on the way to a map
    assert {tuple(odd_ones(side, to_finest)) for side in SIZES} == {(0, 0, 1, 0)}
    assert odd_ones(300, to_second) == [0, 0, 1, 0, 1]
    alike = [side for side in SIZES if odd_ones(side, to_second) == odd_ones(300, to_second)]
    assert alike == [76, 108, 140, 172, 204, 236, 268]
