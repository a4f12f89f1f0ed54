from __future__ import annotations

import keras
import numpy as np
import pytest

from convert.models.ssdlite import build_ssdlite
from convert.models.tfjs_weights import class_columns
from convert.training.network import (
    Start,
    extended_start,
    known_class,
    separate_classes,
    starting_classes,
)

PUBLISHED = ("???", "person", "cat", "???", "cell phone")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat", 2),
        ("Cat", 2),
        ("cats", 2),
        ("cell_phone", 4),
        ("Cell-Phone", 4),
        ("dog", None),
        ("???", None),
    ],
)
def test_class_is_known_by_its_name(name, expected):
    assert known_class(name, PUBLISHED) == expected


def test_unknown_class_starts_from_what_answers_best_and_never_from_a_placeholder():
    scores = np.array([[9, -2, -3, 9, -1], [9, -9, -9, 9, -9]], np.float32)
    assert starting_classes(("mouse", "person"), PUBLISHED, scores) == [4, 1]


def test_classes_start_from_different_ones_and_the_surest_chooses_first():
    # Both answer to "cat" best, the second more surely: the first takes what is next best for it.
    scores = np.array([[9, 1, 3, 9, 2], [9, 1, 5, 9, 4]], np.float32)
    assert starting_classes(("mouse", "vole"), PUBLISHED, scores) == [4, 2]


def test_class_takes_no_column_that_another_has_by_name():
    scores = np.array([[0, 1, 9, 0, 2], [0, 0, 0, 0, 0]], np.float32)
    assert starting_classes(("kitten", "cat"), PUBLISHED, scores) == [4, 2]


def test_more_classes_than_published_ones_share():
    scores = np.zeros((4, 5), np.float32)
    columns = starting_classes(("a", "b", "c", "d"), PUBLISHED, scores)
    assert set(columns) == {1, 2, 4}


def head(classes):
    """A class head of two anchors whose classes have equal weights."""
    inputs = keras.Input((1, 1, 8))
    heads = keras.layers.Conv2D(2 * classes, 1, name="BoxPredictor_0.ClassPredictor")(inputs)
    model = keras.Model(inputs, heads)
    random = np.random.default_rng(0)
    kernel = np.repeat(random.normal(0, 1, (1, 1, 8, 2, 1)), classes, axis=-1)
    model.set_weights([kernel.reshape(1, 1, 8, 2 * classes), np.zeros(2 * classes)])
    return model


def columns_of(model, classes):
    return model.get_weights()[0].reshape(8, 2, classes)


def test_classes_that_start_alike_are_moved_apart_and_the_first_stays():
    model = head(3)
    before = columns_of(model, 3)
    separate_classes(model, [5, 7, 5], seed=1)
    after = columns_of(model, 3)
    assert (after[..., :2] == before[..., :2]).all()
    assert (after[..., 2] != before[..., 2]).all()
    again = head(3)
    separate_classes(again, [5, 7, 5], seed=1)
    assert (columns_of(again, 3) == after).all()


def test_columns_of_a_class_are_taken_from_every_anchor():
    # Two anchors of three classes: a1 a2 a3 b1 b2 b3.
    bias = np.array([11, 12, 13, 21, 22, 23])
    assert class_columns(bias, [2, 0], count=3).tolist() == [13, 11, 23, 21]
    kernel = np.stack([bias, 10 * bias])
    assert class_columns(kernel, [1], count=3).tolist() == [[12, 22], [120, 220]]


def start_of(labels, value):
    """A start whose heads score class n by a bias of ``value`` + n, and have kernels alike."""

    def load(model, columns):
        chosen = range(len(labels)) if columns is None else columns
        for layer in model.layers:
            if layer.name.endswith(".ClassPredictor"):
                kernel, bias = layer.get_weights()
                scores = np.tile([value + number for number in chosen], len(bias) // len(chosen))
                layer.set_weights([np.full_like(kernel, value), scores])

    return Start(labels, load, "a start")


def test_class_that_a_trained_network_lacks_starts_from_the_published_one_it_is_given():
    start = extended_start(start_of(("bee",), 10), start_of(("???", "cat", "dog"), 20))
    assert start.labels == ("bee", "???", "cat", "dog")
    model = build_ssdlite(3, 96)
    start.load(model, [0, 3, 2])
    for level in range(6):
        kernel, bias = model.get_layer(f"BoxPredictor_{level}.ClassPredictor").get_weights()
        assert (bias.reshape(-1, 3) == [10, 22, 21]).all()
        assert (kernel.reshape(kernel.shape[2], -1, 3)[0, 0] == [10, 20, 20]).all()


def test_all_classes_of_an_extended_start_can_be_asked():
    start = extended_start(start_of(("bee",), 10), start_of(("cat", "dog"), 20))
    model = build_ssdlite(3, 96)
    start.load(model, None)
    bias = model.get_layer("BoxPredictor_2.ClassPredictor").bias.numpy()
    assert (bias.reshape(-1, 3) == [10, 20, 21]).all()
