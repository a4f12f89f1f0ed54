from __future__ import annotations

import numpy as np

from convert.compression.weights import architecture, kernel_shapes, parameters, weights_of


def test_weights_are_copies_of_the_networks(network, weights):
    again = weights_of(network)
    again["Conv"][0][:] = 0
    assert (weights_of(network)["Conv"][0] == weights["Conv"][0]).all()
    assert np.abs(weights["Conv"][0]).max() > 0


def test_parameters_are_those_that_keras_counts(network, weights):
    assert parameters(weights) == network.count_params()


def test_shapes_tell_the_architecture(weights):
    assert kernel_shapes(weights)["expanded_conv_13.expand"] == (1, 1, 96, 576)
    assert architecture(weights).channels["expanded_conv_13.expand"] == 576
