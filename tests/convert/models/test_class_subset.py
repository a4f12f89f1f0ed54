from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from convert.models.class_subset import chosen_classes, keep_classes, named_classes
from convert.models.freeze import Frozen
from device.errors import UsageError

LABELS = ("background", "person", "car", "???", "dog")
COUNT, ANCHORS, KEPT = 5, 2, (4, 1)
KERNEL, BIAS = (
    np.random.default_rng(3).normal(size=shape).astype(np.float32)
    for shape in ((1, 1, 3, ANCHORS * COUNT), (ANCHORS * COUNT,))
)
IMAGE = np.random.default_rng(4).normal(size=(1, 4, 4, 3)).astype(np.float32)


def head(kernel, bias, image):
    return tf.nn.bias_add(tf.nn.conv2d(image, kernel, 2, "SAME"), bias)


def raw(kernel, bias, image):
    return {"scores": head(kernel, bias, image)}


def probabilities(kernel, bias, image):
    values = tf.sigmoid(head(kernel, bias, image))
    return {"scores": tf.reshape(values, (1, -1, COUNT))}


def shares(kernel, bias, image):
    values = tf.reshape(head(kernel, bias, image), (1, -1, COUNT))
    return {"scores": tf.nn.softmax(values)}


def frozen(ending) -> Frozen:
    kernel, bias = tf.Variable(KERNEL), tf.Variable(BIAS)
    return Frozen(lambda image: ending(kernel, bias, image), (4, 4))


def convolved_channels(network: Frozen) -> list[int]:
    """Output channels of the convolutions that the outputs need."""
    operators = network._pruned().graph.get_operations()
    return [item.outputs[0].shape[-1] for item in operators if item.type == "Conv2D"]


@pytest.mark.parametrize("ending", [raw, probabilities, shares])
def test_classes_kept_score_as_in_the_whole_network(ending):
    network = frozen(ending)
    whole = network(IMAGE)["scores"].reshape(-1, COUNT)
    keep_classes(network, ["scores"], KEPT, COUNT)
    scores = network(IMAGE)["scores"]
    assert scores.reshape(-1, len(KEPT)) == pytest.approx(whole[:, KEPT], abs=1e-6)


@pytest.mark.parametrize("ending", [raw, probabilities])
def test_convolution_of_independent_scores_is_cut(ending):
    network = frozen(ending)
    keep_classes(network, ["scores"], KEPT, COUNT)
    assert convolved_channels(network) == [ANCHORS * len(KEPT)]
    assert network.parameters == (3 + 1) * ANCHORS * len(KEPT)


def test_classes_that_share_a_softmax_are_computed_all():
    network = frozen(shares)
    keep_classes(network, ["scores"], KEPT, COUNT)
    assert convolved_channels(network) == [ANCHORS * COUNT]


def test_classes_without_a_name_are_left_out():
    assert named_classes(LABELS) == (1, 2, 4)


def test_chosen_classes_keep_the_order_asked_for_and_come_once():
    assert chosen_classes(["dog", "person", "dog"], LABELS) == (4, 1)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["persn"], "did you mean person"),
        (["zeppelin"], "no class 'zeppelin'"),
        (["person", "???"], "a class without a name"),
        ([], "names none"),
    ],
)
def test_classes_that_are_none_are_refused(wanted, said):
    with pytest.raises(UsageError, match=said):
        chosen_classes(wanted, LABELS)
