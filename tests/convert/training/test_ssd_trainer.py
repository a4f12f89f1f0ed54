from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from convert.training.ssd_trainer import SsdTrainer


@pytest.fixture
def trainer() -> SsdTrainer:
    """Of a network with a single cell, four anchors, two classes, whose answers are its biases."""

    def network() -> keras.Model:
        inputs = keras.Input((4, 4, 3))
        made = {
            name: keras.layers.Conv2D(
                width, 4, bias_initializer="zeros", kernel_initializer="zeros", name=name
            )(inputs)
            for name, width in (("boxes_0", 16), ("scores_0", 8))
        }
        return keras.Model(inputs, made)

    return SsdTrainer(network(), network(), classes=2)


def test_answers_are_encodings_and_logits_of_each_image(trainer):
    ((boxes, logits),) = trainer.answers([np.zeros((4, 4, 3), np.uint8)])
    assert (boxes.shape, logits.shape) == ((4, 4), (4, 2))


def test_losses_are_those_of_classes_and_of_boxes(trainer):
    classes = tf.constant([[0, -1, -2, -2]])
    encodings = tf.constant([[[0.0, 0.0, 0.0, 4.0]] + [[9.0] * 4] * 3])
    focal, smooth = trainer._losses(tf.zeros((1, 4, 4, 3), tf.uint8), classes, encodings)
    # Every probability is 1/2: one of the right class, and three of what is not there.
    assert float(focal) == pytest.approx((0.25 + 3 * 0.75) * 0.25 * np.log(2), rel=1e-5)
    assert float(smooth) == pytest.approx(3.5 / 4)
