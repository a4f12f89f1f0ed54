from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from convert.training.losses import focal_loss, positives, smooth_l1_loss
from convert.training.targets import NEGATIVE, NOWHERE


def classes(*rows):
    return tf.constant([rows], tf.int32)


def test_focal_loss_of_a_score_of_one_half_by_hand():
    # p = 1/2: the object costs 0.25 * 0.5^2 * ln 2, the other class 0.75 * 0.5^2 * ln 2.
    loss = focal_loss(tf.zeros((1, 1, 2)), classes(1))
    assert float(loss) == pytest.approx((0.25 + 0.75) * 0.25 * math.log(2), rel=1e-6)


def test_focal_loss_of_a_sure_mistake_by_hand():
    # A background anchor scored with logit 3: p = 0.952574.
    p = 1 / (1 + math.exp(-3))
    loss = focal_loss(tf.fill((1, 1, 1), 3.0), classes(NEGATIVE))
    assert float(loss) == pytest.approx(-0.75 * p**2 * math.log(1 - p), rel=1e-5)


def test_anchor_that_counts_nowhere_costs_nothing():
    assert float(focal_loss(tf.fill((1, 1, 3), 5.0), classes(NOWHERE))) == 0.0


def test_smooth_l1_by_hand():
    # Errors 0.5, 3, 0, 0 of the positive anchor: (0.125 + 2.5) / 4; the other counts nothing.
    encodings = tf.constant([[[0.5, 3.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]]])
    loss = smooth_l1_loss(encodings, tf.zeros((1, 2, 4)), classes(0, NEGATIVE))
    assert float(loss) == pytest.approx(0.65625)


def test_positives_are_counted_and_never_none():
    assert float(positives(classes(0, 5, NEGATIVE, NOWHERE))) == 2
    assert float(positives(classes(NEGATIVE))) == 1


def test_losses_are_finite_for_the_surest_scores():
    logits = tf.constant([[[-200.0, 200.0]]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = focal_loss(logits, classes(0))
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, logits).numpy()).all()
