from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.drawing import annotate as module
from device.drawing.annotate import draw
from device.drawing.palette import BLACK, WHITE, class_colour
from device.drawing.parts import FINDINGS
from device.records import Classification, Detection

GREY = 128


def canvas(width: int, height: int | None = None, grey=GREY) -> np.ndarray:
    return np.full((height or width * 3 // 4, width, 3), grey, np.uint8)


def detection(x_min, y_min, x_max, y_max, class_id=1, label="cat", score=0.875) -> Detection:
    return Detection(class_id, label, score, x_min, y_min, x_max, y_max)


def like(pixels: np.ndarray, colour) -> np.ndarray:
    """Where ``pixels`` are nearly of ``colour``."""
    return np.abs(pixels.astype(int) - colour).max(axis=-1) < 40


@pytest.fixture
def labels(monkeypatch):
    """Text and corners of every text box that was put on the picture."""
    texts, seen = {}, []
    text_box, paste = module.text_box, module._paste

    def note_text(text, *rest):
        box = text_box(text, *rest)
        texts[id(box)] = text, box
        return box

    def note_corners(image, box, left, top):
        height, width = box.shape[:2]
        seen.append((texts[id(box)][0], (left, top), (left + width, top + height)))
        paste(image, box, left, top)

    monkeypatch.setattr(module, "text_box", note_text)
    monkeypatch.setattr(module, "_paste", note_corners)
    return seen


def test_no_detection_and_no_status_draws_nothing():
    image = canvas(320)
    draw(image, [])
    assert (image == GREY).all()


@pytest.mark.parametrize("width", [320, 640, 1920])
def test_all_four_sides_of_a_box_are_there_in_its_colour(width):
    image = canvas(width)
    height = image.shape[0]
    left, top, right, bottom = width // 4, height // 2, width * 3 // 4, height * 7 // 8
    draw(image, [detection(left, top, right, bottom)])
    drawn = like(image, class_colour(1))
    assert drawn[top : bottom + 1, left].all()
    assert drawn[top : bottom + 1, right].all()
    assert drawn[bottom, left : right + 1].all()
    assert drawn[top, left : right + 1].all()
    inside = image[top + height // 32 : bottom - height // 32, left + 20 : right - 20]
    assert (inside == GREY).all(), "nothing hides the object"


@pytest.mark.parametrize("width", [320, 1920])
def test_box_of_the_whole_frame_shows_its_four_sides(width):
    image = canvas(width)
    height = image.shape[0]
    draw(image, [detection(0, 0, width, height)])
    drawn = like(image, class_colour(1))
    assert drawn[height // 2, 0]
    assert drawn[height // 2, width - 1]
    assert drawn[height - 1, width // 2]
    assert drawn[0, width - 20]


@pytest.mark.parametrize("ground", [BLACK, WHITE, (GREY,) * 3, class_colour(1)])
def test_line_is_two_pixels_at_least_and_stands_out_on_any_ground(ground):
    image = canvas(64, 64, ground)
    draw(image, [detection(20, 20, 44, 44)], parts={"boxes"})
    row = image[32]
    assert like(row, class_colour(1))[19:21].all()
    assert like(row, BLACK)[18], "the halo"
    assert (image[32, 21:43] == ground).all()
    steps = np.abs(np.diff(row[:32].astype(int), axis=0)).max(axis=1)
    assert steps.max() > 60


def test_lines_and_text_grow_with_the_mean_of_both_sides(labels):
    def thickness(width, height):
        image = canvas(width, height)
        draw(image, [detection(width // 4, height // 2, width // 2, height * 5 // 8)])
        row = like(image, class_colour(1))[height * 9 // 16]
        return int(row[: width * 3 // 8].sum())

    assert thickness(320, 240) == 2
    assert thickness(1920, 1440) == 6
    assert thickness(2000, 240) == thickness(240, 2000) == 4
    small, large, flat, upright = (high[1] - low[1] for _, low, high in labels)
    assert large > 2 * small
    assert small < flat < large
    assert flat == upright


@pytest.mark.parametrize("width", [320, 1920])
@pytest.mark.parametrize(("left", "top"), [(0, 0), (0.9, 0), (0, 0.9), (0.9, 0.9)])
def test_label_stays_inside_the_frame(labels, width, left, top):
    image = canvas(width)
    height = image.shape[0]
    box = (left * width, top * height, (left + 0.1) * width, (top + 0.1) * height)
    draw(image, [detection(*box, label="motorcycle")])
    ((text, low, high),) = labels
    assert text == "motorcycle 88%"
    assert min(low) >= 0
    assert high[0] <= width
    assert high[1] <= height
    filled = like(image[low[1] : high[1], low[0] : high[0]], class_colour(1))
    assert 0.4 < filled.mean() < 0.99, "text on a ground of the class's colour"


def test_labels_of_a_crowd_do_not_hide_each_other(labels):
    crowd = [detection(x, 100, x + 50, 220, label="person") for x in range(20, 260, 12)]
    draw(canvas(320), crowd)
    assert len(labels) >= 4
    for (_, low, high), (_, low2, high2) in itertools.combinations(labels, 2):
        apart = low[0] >= high2[0] or low2[0] >= high[0] or low[1] >= high2[1] or low2[1] >= high[1]
        assert apart


def test_score_is_left_away_where_the_picture_is_too_narrow_for_it(labels):
    draw(canvas(64, 200), [detection(10, 60, 60, 160, label="person")])
    assert [text for text, *_ in labels] == ["person"]


def test_label_wider_than_the_frame_is_left_away(labels):
    image = canvas(64)
    draw(image, [detection(30, 20, 60, 40, label="a very long name indeed")])
    assert not labels
    assert like(image, class_colour(1)).any(), "its box is drawn"


def test_tiny_box_is_drawn_without_a_label(labels):
    image = canvas(640)
    draw(image, [detection(300, 200, 308, 208)])
    assert not labels
    assert like(image, class_colour(1))[200:209, 300].all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_half_of_a_tiny_picture_stays_to_be_seen(count):
    boxes = [(0, 0, 63, 47), (10, 20, 40, 44), (30, 4, 60, 30)][:count]
    image = canvas(64)
    draw(image, [detection(*box, label="dog") for box in boxes], "12 FPS", parts=FINDINGS)
    assert (image == GREY).all(axis=-1).mean() > 0.5


def test_classes_leave_half_of_a_tiny_picture_too():
    image = canvas(64)
    draw(image, [], "", [Classification(number, "dog", 0.2) for number in range(5)])
    assert 0.1 < (image != GREY).any(axis=-1).mean() < 0.5


def test_best_detection_is_on_top():
    image = canvas(320)
    best = detection(100, 100, 200, 200, class_id=1, score=0.9)
    draw(image, [best, detection(100, 100, 200, 200, class_id=2, score=0.6)])
    assert like(image, class_colour(1))[110:195, 100].all()


def test_box_beyond_the_frame_is_drawn_as_far_as_it_is_seen():
    image = canvas(320)
    draw(image, [detection(-500, -40, 100, 900)])
    drawn = like(image, class_colour(1))
    assert drawn[100, 100]
    assert drawn[100, 0]
    assert drawn[-1, 50]


def test_status_is_along_the_lower_edge(labels):
    image = canvas(320)
    draw(image, [], "30 FPS  95 MB")
    ((text, low, high),) = labels
    assert text == "30 FPS  95 MB"
    assert low[0] == 0
    assert high[1] == image.shape[0]
    assert (image[: low[1]] == GREY).all()


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        ({"boxes"}, []),
        ({"labels"}, ["cat"]),
        ({"scores"}, ["88%"]),
        ({"labels", "scores"}, ["cat 88%"]),
        ({"status"}, ["30 FPS"]),
        (set(), []),
    ],
)
def test_only_the_parts_asked_for_are_drawn(labels, parts, texts):
    image = canvas(320)
    draw(image, [detection(100, 100, 200, 200)], "30 FPS", parts=parts)
    assert [text for text, *_ in labels] == texts
    assert like(image, class_colour(1))[150, 100] == ("boxes" in parts)


def test_only_the_parts_asked_for_are_told_of_classes(labels):
    draw(canvas(320), [], "", [Classification(1, "cat", 0.75)], parts={"labels", "boxes"})
    draw(canvas(320), [], "", [Classification(1, "cat", 0.75)], parts={"boxes"})
    assert [text for text, *_ in labels] == ["cat"]


def test_classes_are_listed_from_the_upper_left_corner_without_overlap(labels):
    image = canvas(320)
    draw(image, [], "", [Classification(1, "cat", 0.75), Classification(2, "dog", 0.125)])
    (text, low, high), (text2, low2, _) = labels
    assert (text, text2) == ("cat 75%", "dog 12%")
    assert low == (0, 0)
    assert low2 == (0, high[1])
    assert (image[:, 200:] == GREY).all()


def test_label_that_no_font_has_is_drawn_as_its_number(labels, monkeypatch):
    monkeypatch.setattr(module, "drawable", lambda label, instead: instead)
    draw(canvas(320), [detection(100, 100, 200, 200, class_id=15, label="猫")])
    assert [text for text, *_ in labels] == ["#15 88%"]
