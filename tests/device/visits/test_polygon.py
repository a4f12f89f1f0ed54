from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.visits.polygon import contains, do_cross, flaw_of, frame_of, side_of, signed_area

SQUARE = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]


@pytest.mark.parametrize(
    ("points", "flaw"),
    [
        (SQUARE, None),
        (SQUARE[::-1], None),
        ([(0, 0), (1, 0), (0.5, 1)], None),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "sides 1 and 3 cross"),
        ([(0, 0), (1, 0), (1, 1.01)], "point 3 (1, 1.01) is not in the picture"),
        ([(0, 0), (math.nan, 0), (1, 1)], "point 2 (nan, 0) is not in the picture"),
        ([(0, 0), (1, 0)], "2 points: at least 3"),
        ([(0, 0), (0.5, 0.5), (1, 1)], "no area"),
        ([], "0 points"),
    ],
)
def test_flaw_of_a_polygon_is_named(points, flaw):
    found = flaw_of(points)
    assert found is None if flaw is None else flaw in str(found)


CORNER = st.tuples(st.integers(-20, 30), st.integers(-20, 30))


@given(st.lists(CORNER, min_size=1, max_size=5))
def test_frame_covers_all_of_the_points_that_is_in_the_picture(tenths):
    points = [(x / 10, y / 10) for x, y in tenths]
    (left, top), _, (right, bottom), _ = frame_of(points)
    assert 0 <= left <= right <= 1
    assert 0 <= top <= bottom <= 1
    x, y = ((points[0][axis] + points[-1][axis]) / 2 for axis in (0, 1))  # perhaps within
    if 0 <= x <= 1 and 0 <= y <= 1:
        assert left <= x <= right
        assert top <= y <= bottom


def test_area_by_the_shoelace_formula():
    assert signed_area(SQUARE) == pytest.approx(0.36)
    assert signed_area(SQUARE[::-1]) == pytest.approx(-0.36)


@pytest.mark.parametrize(
    ("point", "inside"),
    [((0.5, 0.5), True), ((0.1, 0.5), False), ((0.9, 0.5), False), ((0.5, 0.9), False)],
)
def test_point_in_a_square(point, inside):
    assert contains(SQUARE, point) is inside


def test_point_in_the_notch_of_an_l_is_outside():
    shape = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9)]
    assert flaw_of(shape) is None
    assert contains(shape, (0.2, 0.8))
    assert contains(shape, (0.8, 0.2))
    assert not contains(shape, (0.7, 0.7))


@given(st.integers(0, 99), st.integers(0, 99))
def test_point_is_in_one_of_two_triangles_that_share_a_side(column, row):
    lower, upper = [(0, 0), (200, 200), (0, 200)], [(0, 0), (200, 0), (200, 200)]
    point = (column + 0.5, row + 0.25)  # never on a side
    assert contains(lower, point) is (row >= column + 1)
    assert contains(upper, point) is (row < column + 1)


def test_right_is_below_for_one_who_walks_to_the_right():
    assert side_of((0, 0.5), (1, 0.5), (0.5, 0.9)) > 0
    assert side_of((0, 0.5), (1, 0.5), (0.5, 0.1)) < 0
    assert side_of((0, 0.5), (1, 0.5), (0.3, 0.5)) == 0


@pytest.mark.parametrize(
    ("segments", "crossing"),
    [
        (((0, 0), (1, 1), (0, 1), (1, 0)), True),
        (((0, 0), (0.4, 0.4), (0, 1), (1, 0)), False),
        (((0, 0), (1, 0), (0.5, 0), (0.5, 1)), True),  # touches
        (((0, 0), (0.4, 0), (0.3, 0), (1, 0)), True),  # on one line, overlapping
        (((0, 0), (0.4, 0), (0.5, 0), (1, 0)), False),
        (((0, 0), (1, 0), (0, 0.1), (1, 0.1)), False),
    ],
)
def test_segments_cross(segments, crossing):
    assert do_cross(*segments) is crossing
    assert do_cross(*segments[2:], *segments[:2]) is crossing
