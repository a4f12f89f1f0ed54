from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from convert.compression.distillation import DistillingTrainer, box_loss, score_loss
from convert.compression.teacher import Teacher
from convert.models.anchors import AnchorLayout
from convert.training.network import trainable_ssdlite
from tests.convert.compression.conftest import CLASSES, SIZE

OWN, SMALL = AnchorLayout(SIZE), AnchorLayout(48, 1.3)


def test_scores_that_agree_lose_nothing():
    logits = tf.constant([[[2.0, -3.0]]])
    assert float(score_loss(logits, logits)) == 0.0


def test_score_loss_is_divergence_weighted_by_the_surer():
    # 0.5 where the teacher says 0.8: 0.8 * (0.8 ln 1.6 + 0.2 ln 0.4)
    found = float(score_loss(tf.zeros((1, 1, 1)), tf.fill((1, 1, 1), math.log(4.0))))
    assert found == pytest.approx(0.8 * (0.8 * math.log(1.6) + 0.2 * math.log(0.4)), rel=1e-5)


def test_box_loss_is_hubers_weighted_by_confidence():
    wanted = tf.constant([[[0.5, 3.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]]])
    confidence = tf.constant([[0.5, 0.0]])
    # The mean of 0.125, 2.5, 0 and 0, half of it; the second anchor is of no confidence.
    assert float(box_loss(tf.zeros((1, 2, 4)), wanted, confidence)) == pytest.approx(1.3125 / 4)


@pytest.fixture(scope="module")
def trainer(network):
    model, average = (trainable_ssdlite(CLASSES, 48) for _ in range(2))
    model.set_weights(network.get_weights())
    return DistillingTrainer(model, average, Teacher(network, CLASSES, OWN, SMALL), labelled=False)


def test_labels_count_only_where_there_are_any(trainer):
    random = np.random.default_rng(4)
    anchors = len(SMALL.anchors())
    pixels = tf.constant(random.integers(0, 256, (16, SIZE, SIZE, 3)).astype(np.uint8))
    encodings = tf.zeros((16, anchors, 4))

    def losses(value):
        classes = tf.fill((16, anchors), tf.constant(value, tf.int32))
        # Divided by the labels' positives as the loop does it: the teacher's share is not changed.
        count = float(tf.maximum(tf.reduce_sum(tf.cast(classes >= 0, tf.float32)), 1.0))
        shown = trainer._shown(pixels, classes, encodings)
        assert shown[0].shape == (16, 48, 48, 3)
        return [float(item) / count for item in trainer._losses(*shown)]

    try:
        assert losses(0) == pytest.approx(losses(-1), rel=1e-4)
        trainer.labelled = True
        assert losses(0)[0] != pytest.approx(losses(-1)[0], rel=1e-2)
    finally:
        trainer.labelled = False
