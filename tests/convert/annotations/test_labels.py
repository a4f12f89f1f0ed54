from __future__ import annotations

import pytest

from convert.annotations.labels import image_size


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        ("640", "480", (640, 480)),
        (640.4, 480.0, (640, 480)),
        ("0", "480", None),
        (None, "480", None),
        ("wide", "480", None),
        ("nan", "480", None),
        ("1e9", "480", None),
    ],
)
def test_size_is_taken_where_both_sides_are_sane(width, height, expected):
    assert image_size(width, height) == expected
