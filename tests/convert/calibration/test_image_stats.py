from __future__ import annotations

import numpy as np
import pytest

from convert.calibration.image_stats import image_stats, tensor_stats, warmth
from device.bundle.manifest import InputRule

RULE = InputRule(width=32, height=32, mean=127.5, std=127.5)


def tensor(red, green, blue):
    """The input that a picture of one colour becomes."""
    pixels = np.full((1, 32, 32, 3), (red, green, blue), np.float32)
    return (pixels - 127.5) / 127.5


@pytest.mark.parametrize(
    ("values", "problem", "words"),
    [
        (tensor(0, 0, 0).astype(np.float64), "dtype", "float64 where float32 is needed"),
        (tensor(0, 0, 0)[0], "shape", "(32, 32, 3) where (1, 32, 32, 3)"),
        (np.full((1, 32, 32, 3), np.nan, np.float32), "not-finite", "3,072 values"),
        (tensor(0, 0, 0) * np.inf, "not-finite", "3,072 values"),
        (tensor(300, 0, 0), "range", "outside -1 to 1"),
    ],
)
def test_tensor_that_cannot_be_fed_says_why_and_nothing_else(values, problem, words):
    stats = tensor_stats("one", values, RULE)
    assert stats.problem is not None
    assert stats.problem[0] == problem
    assert words in stats.problem[1]
    assert stats.digest == b""


def test_half_a_step_beyond_the_range_is_rounding():
    assert tensor_stats("one", tensor(255.4, 0, 0), RULE).problem is None
    assert tensor_stats("one", tensor(255.6, 0, 0), RULE).problem is not None


def test_span_is_a_share_of_the_range():
    values = tensor(51, 51, 51)
    values[0, :16] = (204 - 127.5) / 127.5
    assert tensor_stats("one", values, RULE).span == pytest.approx((204 - 51) / 255)


def test_picture_without_colour_is_grey_and_one_with_a_little_is_not():
    assert tensor_stats("one", tensor(100, 102, 104), RULE).grey
    assert not tensor_stats("one", tensor(100, 100, 106), RULE).grey


def test_same_pixels_have_the_same_digest_and_others_have_not():
    one, other = tensor(10, 20, 30), tensor(10, 20, 30)
    other[0, 5, 5, 1] += 0.01
    digests = {tensor_stats(str(n), v, RULE).digest for n, v in enumerate((one, one, other))}
    assert len(digests) == 2


def colour(*rgb):
    return np.full((16, 16, 3), rgb, np.float32)


def test_hues_of_wood_and_foliage_are_warm_and_their_mirror_images_cold():
    wood, leaf = colour(0.6, 0.4, 0.2), colour(0.3, 0.6, 0.2)
    for warm in (wood, leaf):
        assert warmth(warm) > 0.5
        assert warmth(warm[..., ::-1]) < -0.5
    # A chroma of 0.4 all over, by hand: hue 0.4 / 0.42, no foliage.
    assert warmth(wood) == pytest.approx(0.4 / 0.42)
    assert warmth(leaf) == pytest.approx(0.4 / 0.42 + 2 * 0.4 / 0.406)


def test_swapped_channels_negate_the_warmth_of_any_picture():
    pixels = np.random.default_rng(1).random((16, 16, 3)).astype(np.float32)
    assert warmth(pixels[..., ::-1]) == pytest.approx(-warmth(pixels))


def test_grey_picture_takes_no_side():
    assert warmth(colour(0.5, 0.5, 0.5)) == 0.0


def test_decoded_picture_becomes_rgb_by_the_rule(tmp_path):
    blue = np.full((48, 64, 3), (255, 0, 0), np.uint8)  # BGR
    stats = image_stats(tmp_path / "sky.png", blue, RULE)
    assert (stats.name, stats.path) == ("sky.png", tmp_path / "sky.png")
    assert stats.digest == tensor_stats("", tensor(0, 0, 255), RULE).digest
