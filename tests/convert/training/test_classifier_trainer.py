from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from convert.training.classifier_trainer import ClassifierTrainer, cross_entropy


@pytest.fixture
def trainer() -> ClassifierTrainer:
    """Of a network whose answers are its biases."""

    def network() -> keras.Model:
        inputs = keras.Input((4, 4, 3))
        made = keras.layers.Conv2D(
            2, 4, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(1.5)
        )(inputs)
        return keras.Model(inputs, {"scores": keras.layers.Reshape((2,))(made)})

    return ClassifierTrainer(network(), network(), classes=2)


def test_answers_are_the_logits_of_each_image(trainer):
    (logits,) = trainer.answers([np.zeros((4, 4, 3), np.uint8)])
    np.testing.assert_array_equal(logits, [1.5, 1.5])


def test_loss_of_a_network_that_knows_nothing_is_that_of_chance(trainer):
    classes = tf.constant([[0], [1]])
    (loss,) = trainer._losses(tf.zeros((2, 4, 4, 3), tf.uint8), classes, tf.zeros((2, 1, 0)))
    assert float(loss) == pytest.approx(2 * np.log(2))


def test_cross_entropy_is_of_smoothed_labels():
    # With a tenth spread over both, 0.95 of the truth is the class and 0.05 the other.
    logits = tf.math.log(tf.constant([[0.8, 0.2]]))
    wanted = -(0.95 * np.log(0.8) + 0.05 * np.log(0.2))
    assert float(cross_entropy(logits, tf.constant([0]))) == pytest.approx(wanted, rel=1e-5)


def test_step_of_training_moves_the_answer_towards_what_was_shown(trainer):
    pixels = tf.zeros((16, 4, 4, 3), tf.uint8)
    classes, none = tf.ones((16, 1), tf.int32), tf.zeros((16, 1, 0))
    for _ in range(3):
        losses = trainer._train_step(pixels, classes, none, tf.constant(0.1), tf.constant(0.0))
    assert len(losses) == 1
    (logits,) = trainer.answers([np.zeros((4, 4, 3), np.uint8)])
    assert logits[1] > logits[0]
