from __future__ import annotations

import itertools

import numpy as np
import pytest

from device import drawing as module
from device.drawing import class_colour, draw
from device.records import Classification, Detection

GREY = 128


def canvas(width: int, height: int | None = None) -> np.ndarray:
    return np.full((height or width * 3 // 4, width, 3), GREY, np.uint8)


def detection(x_min, y_min, x_max, y_max, class_id=1, label="cat", score=0.875) -> Detection:
    return Detection(class_id, label, score, x_min, y_min, x_max, y_max)


def like(pixels: np.ndarray, colour) -> np.ndarray:
    """Where ``pixels`` are nearly of ``colour``."""
    return np.abs(pixels.astype(int) - colour).max(axis=-1) < 40


@pytest.fixture
def labels(monkeypatch):
    """The corners of every box that was put on the picture, and the texts on them."""
    seen = []
    text_box, paste = module._text_box, module._paste

    def note_text(text, *rest):
        seen.append([text])
        return text_box(text, *rest)

    def note_corners(image, box, left, top):
        height, width = box.shape[:2]
        seen[-1][:0] = [(left, top), (left + width, top + height)]
        paste(image, box, left, top)

    monkeypatch.setattr(module, "_text_box", note_text)
    monkeypatch.setattr(module, "_paste", note_corners)
    return seen


def test_a_class_always_has_the_same_colour():
    assert class_colour(47) == class_colour(47)


def test_colours_of_a_hundred_classes_differ_and_are_vivid():
    colours = [class_colour(class_id) for class_id in range(100)]
    assert len(set(colours)) == 100
    assert all(max(colour) - min(colour) >= 60 for colour in colours)
    near = min(np.abs(np.subtract(a, b)).max() for a, b in itertools.pairwise(colours))
    assert near > 60, "neighbouring classes look alike"


def test_no_detection_and_no_status_draws_nothing():
    image = canvas(320)
    draw(image, [], "")
    assert (image == GREY).all()


@pytest.mark.parametrize("width", [320, 640, 1920])
def test_all_four_sides_of_a_box_are_there_in_its_colour(width):
    image = canvas(width)
    height = image.shape[0]
    left, top, right, bottom = width // 4, height // 2, width * 3 // 4, height * 7 // 8
    draw(image, [detection(left, top, right, bottom)], "")
    drawn = like(image, class_colour(1))
    assert drawn[top + 2 : bottom, left].all()
    assert drawn[top:bottom, right].all()
    assert drawn[bottom, left:right].all()
    assert drawn[top, (left + right) // 2 : right].all()
    inside = image[top + height // 8 : bottom - height // 32, left + 20 : right - 20]
    assert (inside == GREY).all()


@pytest.mark.parametrize("width", [320, 1920])
def test_box_of_the_whole_frame_shows_its_four_sides(width):
    image = canvas(width)
    height = image.shape[0]
    draw(image, [detection(0, 0, width, height)], "")
    drawn = like(image, class_colour(1))
    assert drawn[height // 2, 0]
    assert drawn[height // 2, width - 1]
    assert drawn[height - 1, width // 2]
    assert drawn[0, width - 20]


def test_lines_and_text_grow_with_the_picture(labels):
    def thickness(width):
        image = canvas(width)
        draw(image, [detection(width // 4, width // 2, width // 2, width * 5 // 8)], "")
        row = like(image, class_colour(1))[width * 9 // 16]
        return int(row[: width * 3 // 8].sum())

    assert thickness(320) < thickness(1920)
    small, large = (low[1] - high[1] for low, high, *_ in labels)
    assert abs(large) > 2 * abs(small)


@pytest.mark.parametrize("width", [320, 1920])
@pytest.mark.parametrize(("left", "top"), [(0, 0), (0.95, 0), (0, 0.95), (0.95, 0.95)])
def test_label_stays_inside_the_frame(labels, width, left, top):
    image = canvas(width)
    height = image.shape[0]
    box = (left * width, top * height, (left + 0.05) * width, (top + 0.05) * height)
    draw(image, [detection(*box, label="motorcycle")], "")
    ((low, high, text),) = labels
    assert text == "motorcycle 88%"
    assert min(low) >= 0
    assert high[0] <= width
    assert high[1] <= height
    filled = like(image[low[1] : high[1], low[0] : high[0]], class_colour(1))
    assert 0.4 < filled.mean() < 0.99, "text on a ground of the class's colour"


def test_label_wider_than_the_frame_begins_at_its_edge(labels):
    draw(canvas(64), [detection(30, 20, 60, 40, label="a very long name indeed")], "")
    assert labels[0][0][0] == 0


def test_text_can_be_read_on_every_colour():
    for class_id in range(100):
        blue, green, red = colour = class_colour(class_id)
        ground = 0.114 * blue + 0.587 * green + 0.299 * red
        text = 0 if module._text_colour(colour) == module.BLACK else 255
        assert abs(ground - text) > 100


def test_best_detection_is_on_top():
    image = canvas(320)
    best = detection(100, 100, 200, 200, class_id=1, score=0.9)
    draw(image, [best, detection(100, 100, 200, 200, class_id=2, score=0.6)], "")
    assert like(image, class_colour(1))[110:195, 100].all()


def test_status_is_along_the_lower_edge(labels):
    image = canvas(320)
    draw(image, [], "30 FPS  95 MB")
    ((low, high, text),) = labels
    assert text == "30 FPS  95 MB"
    assert low[0] == 0
    assert high[1] == image.shape[0]
    assert (image[: low[1]] == GREY).all()


def test_classes_are_listed_from_the_upper_left_corner_without_overlap(labels):
    image = canvas(320)
    classes = [Classification(1, "cat", 0.75), Classification(2, "dog", 0.125)]
    draw(image, [], "", classes)
    (low, high, text), (low2, _, text2) = labels
    assert (text, text2) == ("cat 75%", "dog 12%")
    assert low == (0, 0)
    assert low2 == (0, high[1])
    assert (image[:, 200:] == GREY).all()
