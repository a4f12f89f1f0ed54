"""Polygons in normalised coordinates: 0..1 of the picture's width and height."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Point = tuple[float, float]


def flaw_of(points: Sequence[Point]) -> str | None:
    """Why ``points`` are no polygon within the picture; None where they are one."""
    for number, (x, y) in enumerate(points, 1):
        if not (0 <= x <= 1 and 0 <= y <= 1):  # NaN too
            return f"point {number} ({x:g}, {y:g}) is not in the picture: 0 to 1 is expected"
    if len(points) < 3:
        return f"{len(points)} points: at least 3 are expected"
    for (first, one), (second, other) in combinations(enumerate(_sides(points), 1), 2):
        neighbours = second == first + 1 or (first, second) == (1, len(points))
        if not neighbours and do_cross(*one, *other):
            return f"sides {first} and {second} cross: give the points in order, around the edge"
    if abs(signed_area(points)) < 1e-6:
        return "it has no area: the points lie on one line"
    return None


def frame_of(points: Sequence[Point]) -> tuple[Point, ...]:
    """The corners of the rectangle around ``points``, as far as it is within the picture."""
    (left, right), (top, bottom) = (
        [min(max(end(side), 0.0), 1.0) for end in (min, max)] for side in zip(*points, strict=True)
    )
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _sides(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(points, [*points[1:], points[0]], strict=True))


def signed_area(points: Sequence[Point]) -> float:
    """The area by the shoelace formula; positive where the points go clockwise on the screen."""
    return sum(x * y_next - x_next * y for (x, y), (x_next, y_next) in _sides(points)) / 2


def contains(points: Sequence[Point], point: Point) -> bool:
    """Whether ``point`` lies within: a ray to the right crosses an odd number of sides."""
    x, y = point
    inside = False
    x_from, y_from = points[-1]
    for x_to, y_to in points:
        # One end counts and the other not: a corner is passed once.
        if (y_from > y) != (y_to > y):
            crossing_x = x_from + (y - y_from) * (x_to - x_from) / (y_to - y_from)
            inside ^= x < crossing_x
        x_from, y_from = x_to, y_to
    return inside


def side_of(start: Point, end: Point, point: Point) -> float:
    """Twice the area of the triangle; positive where ``point`` is on the right of the way.

    On a screen, whose y grows downwards, as seen by one who walks from ``start`` to ``end``.
    """
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def do_cross(start: Point, end: Point, other_start: Point, other_end: Point) -> bool:
    """Whether two segments have a point in common."""
    one = side_of(start, end, other_start), side_of(start, end, other_end)
    other = side_of(other_start, other_end, start), side_of(other_start, other_end, end)
    if not any(one):  # on one line
        return all(
            min(start[axis], end[axis]) <= max(other_start[axis], other_end[axis])
            and min(other_start[axis], other_end[axis]) <= max(start[axis], end[axis])
            for axis in (0, 1)
        )
    return one[0] * one[1] <= 0 and other[0] * other[1] <= 0
