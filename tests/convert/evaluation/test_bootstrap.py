import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.evaluation.bootstrap import (
    RESAMPLES,
    draw_weights,
    in_resamples,
    interval,
    resampled_ratio,
    rounded,
)


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_every_resample_draws_as_many_pictures_as_there_are(images, seed):
    weights = draw_weights(images, seed, 20)
    assert weights.shape == (20, images)
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) == images).all()


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert np.array_equal(draw_weights(30, 5), draw_weights(30, 5))
    assert not np.array_equal(draw_weights(30, 5), draw_weights(30, 6))


def test_every_picture_is_drawn_once_on_average():
    means = draw_weights(10, 0, 20_000).mean(axis=0)
    assert means == pytest.approx(np.ones(10), abs=0.03)  # four standard errors


def test_interval_is_the_middle_95_percent():
    # 0, 1, ... 1000: 2.5 % lie below 25, 2.5 % above 975.
    assert interval(np.random.default_rng(0).permutation(1001).astype(float)) == (25, 975)


def test_resamples_without_a_figure_do_not_count():
    assert interval(np.array([np.nan, 0.25, np.nan, 0.25])) == (0.25, 0.25)
    assert interval(np.array([np.nan])) is None


def test_rounding_knows_no_minus_zero():
    assert str(rounded(-0.00001)) == "0.0"


def test_ratio_is_of_the_sums_over_the_drawn_pictures():
    weights = np.array([[1, 1, 1], [0, 3, 0], [2, 0, 1], [0, 0, 3]], np.int32)
    ratios = resampled_ratio(np.array([1, 2, 0]), np.array([2, 2, 0]), weights)
    assert ratios == pytest.approx([3 / 4, 1, 2 / 4, np.nan], nan_ok=True)


def test_interval_of_a_share_is_the_one_that_theory_gives():
    # Half of 400 pictures right: a standard error of 0.025, 1.96 of which to either side.
    right = np.arange(400) % 2
    weights = draw_weights(400, 0, RESAMPLES)
    low, high = interval(resampled_ratio(right, np.ones(400, np.int64), weights))
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)


def test_interval_in_points_is_written_behind_its_figure():
    assert in_resamples((-0.124, 1.5)) == " (95 % of resamples: -0.12 to 1.50)"
    assert in_resamples(None) == ""
