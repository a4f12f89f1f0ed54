"""What the scores of a classifier are, by the last activation of its graph."""

from __future__ import annotations

import numpy as np
import pytest

from convert.errors import ConversionError
from convert.models.keras_applications import ClassifierOptions
from convert.models.score_activation import ClassScores, last_operator, score_kind
from convert.models.user_classifier import user_classifier
from device.bundle.decoder_rules import ClassifierRule

keras = pytest.importorskip("keras")

from convert.models.freeze import Frozen  # noqa: E402

SIDE = 32
SHARED = np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)  # each row adds up to 1
APART = np.array([[0.95, 0.92], [0.05, 0.1]], np.float32)  # within 0..1, and no more
LOGITS = np.array([[-3.0, 4.0], [0.5, 0.5]], np.float32)


@pytest.mark.parametrize(
    ("operator", "scores", "expected"),
    [
        ("Softmax", SHARED, ClassScores("probability", 2)),
        ("Sigmoid", APART, ClassScores("probability", 2, multi_label=True)),
        ("Sigmoid", SHARED, ClassScores("probability", 2, multi_label=True)),
        ("Sigmoid", APART[:, :1], ClassScores("binary", 2)),
        ("BiasAdd", LOGITS, ClassScores("logit", 2)),
        ("BiasAdd", APART, ClassScores("logit", 2)),  # by chance: no activation made them so
        ("LogSoftmax", np.log(SHARED), ClassScores("logit", 2)),
        ("BiasAdd", LOGITS[:, :1], ClassScores("binary-logit", 2)),
        ("RealDiv", SHARED, ClassScores("probability", 2)),  # a softmax written out
        ("RealDiv", APART, ClassScores("probability", 2, multi_label=True)),  # a hard sigmoid
        ("RealDiv", LOGITS, ClassScores("logit", 2)),
    ],
)
def test_scores_are_what_the_last_operator_makes_of_them(operator, scores, expected):
    assert score_kind(operator, scores) == expected


@pytest.mark.parametrize(("operator", "name"), [("Tanh", "tanh"), ("Relu", "relu")])
def test_activation_that_makes_no_scores_is_refused(operator, name):
    with pytest.raises(ConversionError, match=rf"ends in {name}, expected scores"):
        score_kind(operator, APART)


def test_softmax_over_one_unit_is_refused():
    with pytest.raises(ConversionError, match=r"over one unit, which is 1\.0 whatever"):
        score_kind("Softmax", np.ones((3, 1), np.float32))


def model(*layers):
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    ("activation", "operator"),
    [(None, "BiasAdd"), ("sigmoid", "Sigmoid"), ("softmax", "Softmax"), ("tanh", "Tanh")],
)
def test_last_operator_is_seen_behind_changes_of_form(activation, operator):
    layers = keras.layers
    ending = model(layers.Dense(3, activation=activation), layers.Reshape((1, 3)), layers.Flatten())
    frozen = Frozen(lambda image: {"scores": ending(image, training=False)}, (SIDE, SIDE))
    assert last_operator(frozen.outputs["scores"]) == operator


@pytest.fixture
def opened(tmp_path):
    """Call with units, an activation and names: the network of such a Keras file."""

    def open_(units, activation, names, **options):
        path = tmp_path / "model.keras"
        model(keras.layers.Dense(units, activation=activation)).save(path)
        (tmp_path / "labels.txt").write_text("\n".join(names))
        return user_classifier(
            path, ClassifierOptions(labels=tmp_path / "labels.txt", mean=0, std=255, **options)
        )

    return open_


def test_several_sigmoids_report_every_class_above_one_half(opened):
    names = [f"class {number}" for number in range(7)]
    network = opened(7, "sigmoid", names)
    assert network.decoder == ClassifierRule(score="probability", top=7)
    assert network.threshold == 0.5
    assert network.labels == tuple(names)


def test_softmax_is_still_left_to_the_device(opened):
    network = opened(3, "softmax", ["a", "b", "c"])
    assert network.decoder == ClassifierRule(score="logit")
    assert network.threshold is None


def test_one_sigmoid_tells_two_named_classes_apart(opened):
    network = opened(1, "sigmoid", ["cat", "dog"])
    assert network.decoder == ClassifierRule(score="binary")
    assert network.labels == ("cat", "dog")


def test_one_sigmoid_with_one_name_reports_that_class_alone(opened):
    network = opened(1, "sigmoid", ["cat"])
    assert network.decoder == ClassifierRule(score="binary", background=0)
    assert network.labels == ("background", "cat")
    assert network.threshold == 0.5


def test_one_unit_without_activation_is_the_logit_of_the_second(opened):
    assert opened(1, None, ["cat", "dog"]).decoder == ClassifierRule(score="binary-logit")
