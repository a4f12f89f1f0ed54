from __future__ import annotations

from device.visits.line import LineWatch
from device.visits.plan import CountingLine

UP = CountingLine(name="door", start=(0.5, 0.8), end=(0.5, 0.2))  # to the right of it is in


def cross(feet, stay, line=UP):
    watch = LineWatch(line)
    kinds = [event.kind for foot in feet for event in watch.update([(stay, foot)])]
    return kinds, (watch.state.ins, watch.state.outs)


def test_left_to_right_is_in_and_back_is_out(make_stay):
    kinds, counts = cross([(0.3, 0.5), (0.6, 0.5), (0.4, 0.5)], make_stay())
    assert kinds == ["line-in", "line-out"]
    assert counts == (1, 1)


def test_one_who_stands_on_the_line_does_not_cross(make_stay):
    feet = [(0.3, 0.5)] + [(0.495, 0.5), (0.505, 0.5)] * 20
    assert cross(feet, make_stay()) == ([], (0, 0))


def test_one_who_steps_slowly_over_crosses_once(make_stay):
    feet = [(0.4 + n / 500, 0.5) for n in range(100)]
    assert cross(feet, make_stay())[0] == ["line-in"]


def test_way_around_the_end_of_the_line_does_not_cross_it(make_stay):
    feet = [(0.4, 0.5), (0.4, 0.9), (0.6, 0.9), (0.6, 0.5)]
    assert cross(feet, make_stay()) == ([], (0, 0))


def test_one_hidden_while_crossing_is_counted(make_stay):
    assert cross([(0.2, 0.6), (0.8, 0.4)], make_stay())[0] == ["line-in"]


def test_other_classes_are_not_counted(make_stay):
    line = CountingLine(name="door", start=(0.5, 0.8), end=(0.5, 0.2), classes=("dog",))
    assert cross([(0.3, 0.5), (0.6, 0.5)], make_stay(), line) == ([], (0, 0))


def test_visits_that_ended_are_forgotten(make_stay):
    watch = LineWatch(UP)
    for number in range(100):
        watch.update([(make_stay(number), (0.3, 0.5))])
    watch.update([])
    assert not watch._places
