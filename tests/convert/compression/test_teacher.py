from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from convert.compression.teacher import NOTHING, Teacher, answers_at, boxes_at
from convert.models.anchors import AnchorLayout
from convert.training.network import normalised, raw_heads
from convert.training.targets import NEGATIVE, Matcher, encode
from tests.convert.compression.conftest import CLASSES, SIZE

WHOLE, PART = AnchorLayout(300), AnchorLayout(140, 300 / 140)
OWN, SMALL = AnchorLayout(SIZE), AnchorLayout(48, 1.3)
SURE, UNSURE = 12.0, -1.0


def corners(boxes):
    """x_min, y_min, x_max, y_max of boxes as anchors have them."""
    centres, halves = boxes[..., 1::-1], boxes[..., :1:-1] / 2
    return np.concatenate((centres - halves, centres + halves), axis=-1)


def said(anchors, boxes, logits):
    """What answers are at ``anchors``, to one image: encodings, and scores."""
    batch = (np.asarray(item, np.float32)[np.newaxis] for item in (boxes, logits))
    encodings, found = answers_at(tf.constant(anchors, tf.float32), *map(tf.constant, batch))
    return encodings.numpy()[0], tf.sigmoid(found).numpy()[0]


@pytest.fixture(scope="module")
def pixels():
    images = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3))
    return tf.constant(images.astype(np.uint8))


@given(
    st.tuples(*[st.floats(0.1, 0.9)] * 2, *[st.floats(0.02, 0.9)] * 2).map(
        lambda box: np.array([box], np.float32)
    )
)
def test_sure_answer_stands_where_a_label_of_the_same_box_would(box):
    anchors = PART.anchors()
    label = Matcher(anchors)(corners(box), np.zeros(1, np.int32), np.zeros(1, np.bool_))
    encodings, scores = said(anchors, box, [[SURE]])
    standing = label.classes >= 0
    assert (scores[standing, 0] > 0.999).all()
    assert np.allclose(encodings[standing], label.encodings[standing], atol=1e-3)
    assert (scores[label.classes == NEGATIVE, 0] < 0.999).all()


def test_score_fades_from_an_overlap_of_half_to_one_of_four_tenths():
    # One anchor that the answer fits, and three that lie beside it: IoU 0.6, 0.45 and 0.35.
    aside = [(1 - iou) / (1 + iou) * 0.2 for iou in (1.0, 0.6, 0.45, 0.35)]
    anchors = np.array([(0.5, 0.5 + step, 0.2, 0.2) for step in aside])
    _, scores = said(anchors, anchors[:1], [[0.0]])
    assert scores[:, 0] == pytest.approx([0.5, 0.5, 0.25, 1 / (1 + np.exp(-NOTHING))], abs=1e-3)


def test_anchor_speaks_of_the_object_that_it_fits_unless_hardly_anything_is_seen_there():
    anchors = np.array([(0.5, 0.5, 0.2, 0.2)])
    boxes = np.array([(0.5, 0.5, 0.2, 0.2), (0.5, 0.54, 0.2, 0.2)])  # the second: IoU 0.67
    _, scores = said(anchors, boxes, [[1.0, NOTHING], [NOTHING, 1.0]])
    assert scores[0, 0] > 0.7 > 0.1 > scores[0, 1]
    encodings, scores = said(anchors, boxes, [[UNSURE, NOTHING], [NOTHING, SURE]])
    assert scores[0, 1] > 0.99
    second = encode(corners(boxes[1:]), anchors.astype(np.float32))[0]
    assert encodings[0] == pytest.approx(second, abs=1e-3)


def test_object_that_no_anchor_fits_is_told_to_those_that_fit_it_best():
    anchors = np.array([(0.5, 0.5, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2)])
    _, scores = said(anchors, [(0.5, 0.5, 0.08, 0.08)], [[2.0]])  # an IoU of 0.16
    assert scores[0, 0] == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-3)
    assert scores[1, 0] < 0.001


def test_teacher_of_the_same_anchors_answers_as_it_is(network, pixels):
    said = Teacher(network, CLASSES, OWN, AnchorLayout(SIZE)).say(pixels)
    heads = raw_heads(network(normalised(pixels), training=False), CLASSES)
    for found, head in zip(said, heads, strict=True):
        np.testing.assert_array_equal(found.numpy(), head.numpy())


def test_boxes_told_are_boxes_that_the_teacher_found(network, pixels):
    encodings, logits = Teacher(network, CLASSES, OWN, OWN).say(pixels)
    found = boxes_at(encodings, tf.constant(OWN.anchors())).numpy()
    told, scores = Teacher(network, CLASSES, OWN, SMALL).say(pixels)
    boxes = boxes_at(told, tf.constant(SMALL.anchors())).numpy()
    certain = tf.reduce_max(scores, axis=-1).numpy() > NOTHING
    assert certain.any()
    assert tf.reduce_max(scores) <= tf.reduce_max(logits)
    for image in range(2):
        far = np.abs(boxes[image][certain[image], np.newaxis] - found[image]).max(axis=-1)
        assert (far.min(axis=-1) < 1e-4).all()


def test_shrunk_images_are_means_of_areas(network):
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    pixels[:, ::2] = 200  # every second row: 100 on the mean
    teacher = Teacher(network, CLASSES, OWN, SMALL)
    assert (teacher.shrink(tf.constant(pixels)).numpy() == 100).all()
