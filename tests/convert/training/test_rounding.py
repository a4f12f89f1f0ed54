from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from convert.training.network import normalised
from convert.training.rounding import RoundedNetwork, rounded_kernel

SIDE = 4


@pytest.fixture
def model() -> keras.Model:
    """A convolution with ReLU6, a depthwise one without, and their sum."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    wide = keras.layers.Conv2D(2, 1, padding="same", name="wide")(image)
    active = keras.layers.ReLU(6.0, name="wide.relu6")(wide)
    deep = keras.layers.DepthwiseConv2D(3, padding="same", name="deep")(active)
    joined = keras.layers.Add(name="sum")([active, deep])
    scores = keras.layers.Conv2D(1, 1, name="Box.ClassPredictor")(joined)
    return keras.Model(image, {"boxes_0": joined, "scores_0": scores})


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)


def test_rounding_is_where_tflite_rounds(model):
    # Not between a convolution and its ReLU6, which are one operator there.
    assert list(RoundedNetwork(model).ranges()) == [
        "wide.relu6",
        "deep",
        "sum",
        "Box.ClassPredictor",
    ]


def test_ranges_are_the_extremes_of_all_images_and_hold_zero(model, images):
    model.get_layer("wide").set_weights([np.ones((1, 1, 3, 2)), np.array([0.0, 1.0])])
    rounded = RoundedNetwork(model)
    rounded.calibrate(list(images))
    sums = normalised(images).numpy().sum(axis=-1)
    largest = [min(6.0, image.max() + 1) for image in sums]
    least, most = rounded.ranges()["wide.relu6"]
    assert least == pytest.approx(0, abs=1e-5)
    assert most == pytest.approx(np.max(largest), rel=1e-5)


def test_logits_have_the_range_that_int8_gives_them(model, images):
    rounded = RoundedNetwork(model)
    rounded.calibrate(list(images))
    assert rounded.ranges()["Box.ClassPredictor"] == (-8.0, 8.0)


def test_kernel_is_in_steps_of_each_channels_largest_weight(model):
    layer = model.get_layer("wide")
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, :, 0] = [1.27, 0.014, -0.5]
    kernel[0, 0, :, 1] = [0.127, 0.0014, -0.05]
    layer.set_weights([kernel, np.zeros(2)])
    found = rounded_kernel(layer).numpy()[0, 0]
    assert found[:, 0] == pytest.approx([1.27, 0.01, -0.5])
    assert found[:, 1] == pytest.approx([0.127, 0.001, -0.05])


def test_depthwise_kernel_has_a_scale_per_channel(model):
    layer = model.get_layer("deep")
    kernel = np.zeros((3, 3, 2, 1), np.float32)
    kernel[0, :2, 0, 0] = [1.27, 0.014]
    kernel[0, :2, 1, 0] = [0.127, 0.0014]
    layer.set_weights([kernel, np.zeros(2)])
    found = rounded_kernel(layer).numpy()[0, :2, :, 0]
    assert found == pytest.approx(np.array([[1.27, 0.127], [0.01, 0.001]]))


def test_channel_without_weights_stays_zero(model):
    layer = model.get_layer("wide")
    layer.set_weights([np.zeros((1, 1, 3, 2)), np.zeros(2)])
    assert (rounded_kernel(layer).numpy() == 0).all()


def test_gradients_pass_as_if_nothing_was_rounded(model):
    layer = model.get_layer("wide")
    factors = np.random.default_rng(2).normal(size=(1, 1, 3, 2)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(rounded_kernel(layer) * factors)
    assert tape.gradient(loss, layer.kernel).numpy() == pytest.approx(factors)


def test_answers_are_the_networks_but_for_steps_of_eight_bits(model, images):
    rounded = RoundedNetwork(model)
    rounded.calibrate([images[0]])  # of one image, so that nothing is cut off
    exact = model(normalised(images[:1]), training=False)["boxes_0"].numpy()
    found = rounded(model, tf.constant(images[:1]))["boxes_0"].numpy()
    least, most = rounded.ranges()["sum"]
    step = (most - least) / 255
    assert found == pytest.approx(exact, abs=6 * step)
    assert found / step == pytest.approx(np.round(found / step), abs=1e-3)
    assert (found != exact).any()


def test_another_network_of_the_structure_runs_with_the_same_ranges(model, images):
    rounded = RoundedNetwork(model)
    rounded.calibrate(list(images))
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    ours, theirs = rounded(model, tf.constant(images)), rounded(other, tf.constant(images))
    assert (ours["scores_0"].numpy() == theirs["scores_0"].numpy()).all()
