from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from device.drawing import text as module
from device.drawing.text import drawable, text_box

BLUE = (240, 96, 24)


@pytest.fixture
def font(monkeypatch):
    """A function that says which font there is for letters beyond ASCII."""

    def use(font) -> None:
        monkeypatch.setattr(module, "covering_font", lambda _: font)
        module.drawable.cache_clear()
        module.text_box.cache_clear()

    yield use
    module.drawable.cache_clear()
    module.text_box.cache_clear()


def ink(box) -> int:
    """How many pixels are of another colour than the ground."""
    return int((np.abs(box.astype(int) - BLUE).max(axis=-1) > 60).sum())


def test_ascii_is_drawn_as_it_is_and_asks_for_no_font(monkeypatch):
    monkeypatch.setattr(module, "covering_font", lambda _: pytest.fail("a font was looked for"))
    assert drawable("traffic light", "#9") == "traffic light"
    assert ink(text_box("cat 87%", 0.5, BLUE)) > 50


def test_label_beyond_ascii_is_kept_where_a_font_has_it(font):
    font(ImageFont.load_default(20))
    assert drawable("20°", "#7") == "20°"


def test_label_is_in_plain_letters_without_a_font(font):
    font(None)
    assert drawable("Straßenbahn", "#6") == "Strassenbahn"


def test_label_without_plain_letters_is_the_number_of_its_class(font):
    font(None)
    assert drawable("猫", "#15") == "#15"


@pytest.mark.parametrize("scale", [0.38, 0.55, 1.65])
def test_box_by_pillow_is_as_high_as_one_by_opencv_and_as_long_as_its_text(font, scale):
    font(ImageFont.load_default(20))
    plain, other = text_box("x 20", scale, BLUE), text_box("x 20°", scale, BLUE)
    assert other.shape[0] == plain.shape[0]
    assert 0.6 < other.shape[1] / plain.shape[1] < 1.7
    assert ink(other) > 20
    assert tuple(other[0, 0]) == BLUE, "blue first, as OpenCV has it"
    twice = text_box("x 20° x 20°", scale, BLUE)
    assert twice.shape[1] > 1.6 * other.shape[1]
