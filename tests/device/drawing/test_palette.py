from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from device.drawing.palette import BLACK, PALETTE, WHITE, class_colour, ink_on, luminance

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("device/web/static/page.css", "device/charts/page.css")


def contrast(one, other) -> float:
    """WCAG's contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def page_grounds() -> set[tuple[int, ...]]:
    """The grounds of both themes of both pages, blue first."""
    text = "".join((ROOT / page).read_text("utf-8") for page in PAGES)
    found = re.findall(r"--(?:paper|raised|card): #([0-9a-f]{6}|[0-9a-f]{3})\b", text)
    longer = [word if len(word) == 6 else "".join(2 * digit for digit in word) for word in found]
    return {tuple(bytes.fromhex(word))[::-1] for word in longer}


def oklab(colour) -> np.ndarray:
    """Björn Ottosson, A perceptual color space for image processing, 2020."""
    channels = np.array(colour[::-1]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(axes) @ np.cbrt(np.array(cones) @ linear)


def test_luminance_is_that_of_the_definition():
    assert luminance(BLACK) == 0
    assert luminance(WHITE) == pytest.approx(1)
    assert luminance((0, 0, 255)) == pytest.approx(0.2126)
    assert luminance((128, 128, 128)) == pytest.approx(0.2159, abs=1e-4)


def test_every_colour_holds_on_the_pages_in_both_themes_and_on_black_and_white():
    grounds = page_grounds()
    assert len(grounds) >= 5, "light and dark, of the live page and of reports, which share two"
    assert min(luminance(ground) for ground in grounds) < 0.02
    for colour, ground in itertools.product(PALETTE, grounds | {BLACK, WHITE}):
        assert contrast(colour, ground) >= 3, (colour, ground)


def test_no_two_colours_are_near_twins():
    for one, other in itertools.combinations(PALETTE, 2):
        assert np.linalg.norm(oklab(one) - oklab(other)) > 0.115, (one, other)
        labs = [rgb2lab(np.array(colour[::-1]) / 255) for colour in (one, other)]
        assert deltaE_ciede2000(*labs) > 13, (one, other)


def test_neighbours_in_a_label_file_differ_more_than_others_have_to():
    for one, other in itertools.pairwise(class_colour(number) for number in range(100)):
        assert np.linalg.norm(oklab(one) - oklab(other)) > 0.14


def test_a_class_always_has_the_same_colour():
    assert class_colour(47) == class_colour(47)


def test_classes_of_the_second_round_begin_elsewhere():
    assert {class_colour(number) for number in range(20)} == set(PALETTE)
    assert {class_colour(number) for number in range(20, 40)} == set(PALETTE)
    assert len({class_colour(number) for number in (0, 20, 40, 60)}) == 4


def test_text_can_be_read_on_every_colour():
    for colour in PALETTE:
        assert contrast(colour, ink_on(colour)) >= 4.5
    assert ink_on(BLACK) == WHITE
    assert ink_on(WHITE) == BLACK
