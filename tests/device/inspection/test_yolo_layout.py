from __future__ import annotations

import pytest

from device.inspection.yolo_layout import cells, is_rows, layout_by_values, layout_of, two_axes


@pytest.mark.parametrize(
    ("size_wh", "strides", "count"),
    [
        ((640, 640), (8, 16, 32), 8400),  # 6400 + 1600 + 400
        ((224, 224), (8, 16, 32), 1029),  # 784 + 196 + 49
        ((320, 192), (8, 16, 32), 1260),  # 40*24 + 20*12 + 10*6
        ((416, 416), (16, 32), 845),
        ((33, 8), (8,), 5),  # a cell that is cut off counts
    ],
)
def test_cells_by_hand(size_wh, strides, count):
    assert cells(size_wh, strides) == count


@pytest.mark.parametrize(
    ("shape", "size_wh", "expected"),
    [
        ((1, 25200, 85), (640, 640), (25200, 85, "rows", 3)),  # YOLOv5
        ((1, 84, 8400), (640, 640), (8400, 84, "columns", 1)),  # YOLOv8
        ((1, 8400, 84), (640, 640), (8400, 84, "rows", 1)),
        ((1, 5, 2100), (320, 320), (2100, 5, "columns", 1)),  # one class
        ((8400, 84), (640, 640), (8400, 84, "rows", 1)),
        ((1, 1, 84, 8400), (640, 640), (8400, 84, "columns", 1)),
        ((1, 2535, 85), (416, 416), (2535, 85, "rows", 3)),  # tiny YOLOv3: 16 and 32 alone
        ((1, 102000, 85), (1280, 1280), (102000, 85, "rows", 3)),  # P6: 64 too
    ],
)
def test_layout_by_arithmetic(shape, size_wh, expected):
    found = layout_of(shape, size_wh)
    assert (found.candidates, found.values, found.along, found.shapes) == expected


@pytest.mark.parametrize(
    ("shape", "size_wh"),
    [
        ((1, 1000), (224, 224)),  # a classifier
        ((1, 1917, 91), (300, 300)),  # an SSD
        ((1, 8400, 84), (352, 352)),  # of another input
        ((1, 4, 8400), (640, 640)),  # boxes without a score
        ((1, 257, 257, 21), (257, 257)),
    ],
)
def test_other_tensors_are_no_yolo(shape, size_wh):
    assert layout_of(shape, size_wh) is None


def test_names_tell_the_layout_where_the_arithmetic_does_not():
    assert layout_by_values((1, 14, 700), (14, 15)).along == "columns"
    assert layout_by_values((1, 700, 15), (14, 15)).along == "rows"
    assert layout_by_values((1, 700, 16), (14, 15)) is None


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 300, 6), True),
        ((1, 1, 6), True),
        ((100, 6), True),
        ((1, 6, 300), False),
        ((1, 8400, 6), False),
        ((6,), False),
    ],
)
def test_rows_of_six(shape, expected):
    assert is_rows(shape) is expected


def test_axes_of_one_do_not_count():
    assert two_axes((1, 1, 7, 2100)) == (7, 2100)
    assert two_axes((1, 1000)) is None
    assert two_axes((1, 2, 3, 4)) is None
