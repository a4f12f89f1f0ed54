from __future__ import annotations

import pytest

from device.charts.axis import log_axis, round_axis, spread


def test_round_axis_holds_all_values_between_round_numbers():
    axis = round_axis([0.0, 17.97], 40, 340)
    assert axis.ticks == (0, 5, 10, 15, 20)
    assert axis(0) == 40
    assert axis(5) == 115  # a quarter of 300 pixels
    assert axis(20) == 340


def test_round_axis_may_run_upwards_and_has_room_for_equal_values():
    axis = round_axis([1.0, 1.0], 200, 100)
    assert axis.low < 1 < axis.high
    assert axis(axis.low) == 200
    assert axis(axis.high) == 100


def test_log_axis_gives_each_decade_the_same_length():
    axis = log_axis([4, 100], 0, 200)
    assert (axis.low, axis.high) == (1, 100)
    assert axis.ticks == (1, 3, 10, 30, 100)
    assert axis(10) == pytest.approx(100)


def test_log_axis_leaves_room_for_a_bar_at_a_round_number():
    assert log_axis([1, 50], 0, 100).low == pytest.approx(0.1)


def test_values_outside_an_axis_are_held_at_its_ends():
    assert round_axis([0.0, 1.0], 0, 100)(7) == 100


@pytest.mark.parametrize(
    ("positions", "moved"),
    [
        ([10, 40], [10, 40]),
        ([10, 14], [7, 17]),  # centre 12, ten apart
        ([14, 10], [17, 7]),
        ([10, 10, 10], [0, 10, 20]),
        ([0, 6, 12], [-4, 6, 16]),
    ],
)
def test_spread_moves_only_what_is_too_near(positions, moved):
    assert spread(positions, 10) == pytest.approx(moved)
