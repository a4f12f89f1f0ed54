from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from convert.compression.distillation import (
    NOTHING,
    DistillingTrainer,
    Teacher,
    box_loss,
    corresponding_anchors,
    score_loss,
)
from convert.models.anchors import AnchorLayout
from convert.training.network import trainable_ssdlite
from device.bundle.heads import TensorSpec
from device.inference.decode_ssd import box_coefficients, decode_boxes
from tests.convert.compression.conftest import CLASSES, SIZE

WHOLE = AnchorLayout(300)
OWN, SMALL = AnchorLayout(SIZE), AnchorLayout(48, 1.3)


def test_anchors_of_one_size_correspond_to_themselves():
    like, known = corresponding_anchors(WHOLE, WHOLE)
    assert (like == np.arange(1917)).all()
    assert known.all()


@pytest.mark.parametrize("student", [96, 160, 224])
@pytest.mark.parametrize("share", [0.5, 1.0])  # of the way to anchors of as many pixels
def test_corresponding_anchors_are_as_large_and_near(student, share):
    layout = AnchorLayout(student, (300 / student) ** share)
    like, known = corresponding_anchors(WHOLE, layout)
    theirs, ours = WHOLE.anchors()[like][known], layout.anchors()[known]
    areas = theirs[:, 2] * theirs[:, 3] / (ours[:, 2] * ours[:, 3])
    assert ((areas >= 0.5) & (areas <= 2)).all()  # or they overlapped by less than half
    assert (np.abs(theirs[:, :2] - ours[:, :2]) <= ours[:, 2:] / 2).all()


def test_anchor_larger_than_any_of_the_teachers_is_known_to_none():
    layout = AnchorLayout(100, 3.0)
    _, known = corresponding_anchors(WHOLE, layout)
    assert known[0]  # a square of three tenths
    assert not known[-1]  # of nearly three


def test_teacher_sees_nothing_at_an_anchor_like_none_of_its_own(network):
    layout = AnchorLayout(48, 3.0)
    teacher = Teacher(network, CLASSES, OWN, layout)
    pixels = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.uint8)
    _, known = corresponding_anchors(OWN, layout)
    logits = teacher.say(tf.constant(pixels))[1].numpy()[0]
    assert (logits[~known] == NOTHING).all()
    assert (logits[known] != NOTHING).any()


def test_a_box_that_the_teacher_sees_is_the_same_box_at_the_students_anchor(network):
    teacher = Teacher(network, CLASSES, OWN, SMALL)
    pixels = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.uint8)
    shifted, _ = teacher.say(tf.constant(pixels))
    plain, _ = Teacher(network, CLASSES, OWN, OWN).say(tf.constant(pixels))
    like, _ = corresponding_anchors(OWN, SMALL)
    scales = (10.0, 10.0, 5.0, 5.0)
    spec = TensorSpec(position=0, shape=(1, len(like), 4), dtype="float32")
    anchors = OWN.anchors()[like], SMALL.anchors()
    theirs, ours = (
        decode_boxes(stored, box_coefficients(places, scales, spec))
        for stored, places in zip(
            (plain.numpy()[0][like], shifted.numpy()[0]), anchors, strict=True
        )
    )
    assert np.allclose(theirs, ours, atol=1e-5)


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


def test_shrunk_images_are_means_of_areas(trainer):
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    pixels[:, ::2] = 200  # every second row: 100 on the mean
    assert (trainer.teacher.shrink(tf.constant(pixels)).numpy() == 100).all()
