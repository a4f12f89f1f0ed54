from __future__ import annotations

import keras
import numpy as np
import pytest

from convert.models.layer_weights import (
    architecture,
    kernel_shapes,
    named_arrays,
    parameters,
    set_weights,
    weights_of,
    weights_of_arrays,
)
from convert.models.ssdlite import build_ssdlite


@pytest.fixture
def small():
    """A network of two layers with weights, one without."""
    return keras.Sequential(
        [
            keras.layers.Input((4, 4, 3)),
            keras.layers.Conv2D(2, 3, name="Conv"),
            keras.layers.ReLU(),
            keras.layers.Conv2D(5, 1, name="Head", bias_initializer="ones"),
        ]
    )


def test_weights_are_copies_of_the_networks(small):
    before = small.get_layer("Conv").kernel.numpy()
    weights_of(small)["Conv"][0][:] = 0
    assert np.array_equal(small.get_layer("Conv").kernel.numpy(), before)
    assert np.abs(before).max() > 0


def test_weights_that_are_set_are_those_that_are_read(small):
    weights = {name: (2 * kernel, bias + 1) for name, (kernel, bias) in weights_of(small).items()}
    set_weights(small, weights)
    for name, pair in weights_of(small).items():
        for ours, theirs in zip(pair, weights[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_parameters_are_those_that_keras_counts(small):
    assert parameters(weights_of(small)) == small.count_params() == 3 * 3 * 3 * 2 + 2 + 2 * 5 + 5


def test_shapes_tell_the_architecture():
    weights = weights_of(build_ssdlite(2, 96, None))
    assert kernel_shapes(weights)["expanded_conv_13.expand"] == (1, 1, 96, 576)
    assert architecture(weights).channels["expanded_conv_13.expand"] == 576


def test_named_arrays_become_the_same_weights(small):
    weights = weights_of(small)
    arrays = named_arrays(weights)
    assert arrays.keys() == {"Conv/kernel", "Conv/bias", "Head/kernel", "Head/bias"}
    again = weights_of_arrays(arrays)
    assert all(again[name][0] is weights[name][0] for name in weights)
    assert all(again[name][1] is weights[name][1] for name in weights)


def test_layer_without_a_bias_is_an_error(small):
    arrays = named_arrays(weights_of(small))
    del arrays["Head/bias"]
    with pytest.raises(KeyError, match="Head/bias"):
        weights_of_arrays(arrays)
