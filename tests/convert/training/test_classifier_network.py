from __future__ import annotations

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.mobilenet_classifier import HEAD
from convert.training.classifier_network import (
    ClassifierStart,
    detector_backbone,
    float_answers,
    trainable_classifier,
    trained_classifier,
)
from convert.training.weights_file import pack_weights

SIZE = 96


@pytest.fixture(scope="module")
def model():
    """Of three classes, whose biases tell them apart."""
    model = trainable_classifier(3, SIZE)
    kernel, _ = model.get_layer(HEAD).get_weights()
    kernel[...] = np.arange(3)
    model.get_layer(HEAD).set_weights([kernel, np.array([1.0, 2.0, 3.0])])
    return model


def test_first_layers_are_not_trained_and_the_head_is(model):
    trainable = {layer.name: layer.trainable for layer in model.layers if layer.weights}
    assert not trainable["Conv"]
    assert trainable["expanded_conv_3.expand"]
    assert trainable[HEAD]


def test_what_was_trained_is_gone_on_from_class_by_class(model, tmp_path):
    (tmp_path / "weights.npz").write_bytes(pack_weights(model, ["cat", "dog", "hen"]))
    start = trained_classifier(tmp_path / "weights.npz")
    assert start.title == str(tmp_path)
    other = trainable_classifier(3, SIZE)
    start.load(other, ["hen", "owl", "Cat"])
    kernel, bias = other.get_layer(HEAD).get_weights()
    np.testing.assert_array_equal(bias, [3, 0, 1])
    np.testing.assert_array_equal(kernel[0, 0, 0], [2, 0, 0])
    name = "expanded_conv_3.expand"
    ours, theirs = (item.get_layer(name).kernel.numpy() for item in (other, model))
    np.testing.assert_array_equal(ours, theirs)


def test_weights_of_something_else_are_one_line(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"none")
    with pytest.raises(WeightsError, match="--from wants a bundle"):
        trained_classifier(tmp_path / "weights.npz")
    with pytest.raises(WeightsError, match="Conv does not fit"):
        ClassifierStart("mine", {}).load(trainable_classifier(1, SIZE), ["cat"])


def test_backbone_of_the_detector_fits(weights_dir):
    model = trainable_classifier(2, SIZE)
    detector_backbone(weights_dir).load(model, ["cat", "dog"])
    assert np.abs(model.get_layer("Conv_1").kernel.numpy()).max() > 0.01
    assert not model.get_layer(HEAD).kernel.numpy().any()


def test_answers_are_logits_of_each_image(model):
    answers = float_answers(model, [np.zeros((SIZE, SIZE, 3), np.uint8)] * 2)
    assert [item.shape for item in answers] == [(3,), (3,)]
