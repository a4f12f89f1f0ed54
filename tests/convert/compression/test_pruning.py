from __future__ import annotations

import numpy as np
import pytest

from convert.compression.channel_groups import channel_groups, first_of
from convert.compression.low_rank import split
from convert.compression.pruning import remove_channels
from convert.models.layer_weights import architecture, set_weights
from convert.models.ssdlite import build_ssdlite
from tests.convert.compression.conftest import CLASSES, SIZE


def answers(weights, image):
    model = build_ssdlite(CLASSES, SIZE, 1, architecture(weights))
    set_weights(model, weights)
    return {name: values.numpy() for name, values in model(image).items()}


def gone(weights, step=8):
    """The first ``step`` channels of every group, and what is kept."""
    return {
        group.producer: np.arange(step, weights[group.producer][0].shape[3])
        for group in channel_groups()
    }


@pytest.fixture(scope="module")
def silent(weights):
    """Weights whose readers take nothing of the first eight channels of each group."""
    made = {name: (kernel.copy(), bias) for name, (kernel, bias) in weights.items()}
    for group in channel_groups():
        for reader in group.readers:
            made[first_of(reader.convolution, made)][0][:, :, :8] = 0
    return made


def assert_same(one, other):
    for name, values in one.items():
        assert np.abs(values - other[name]).max() <= 1e-6 * max(1, np.abs(values).max()), name


def test_removing_channels_that_nothing_reads_changes_nothing(silent, image):
    small = remove_channels(silent, gone(silent))
    assert small["expanded_conv_13.expand"][0].shape == (1, 1, 96, 568)
    assert small["BoxPredictor_0.ClassPredictor"][0].shape == (1, 1, 568, 3 * CLASSES)
    assert_same(answers(silent, image), answers(small, image))


def test_removing_channels_that_are_read_changes_the_answers(weights, image):
    small = answers(remove_channels(weights, gone(weights)), image)
    whole = answers(weights, image)
    assert np.abs(small["boxes_0"] - whole["boxes_0"]).max() > 1e-4


def test_what_a_constant_channel_says_goes_into_the_bias(weights, image):
    # 320 channels that Conv_1 reads straight: without weights each is its bias everywhere.
    constant = dict(weights)
    kernel, bias = weights["expanded_conv_16.project"]
    kernel = kernel.copy()
    kernel[..., :16] = 0
    constant["expanded_conv_16.project"] = kernel, bias
    kept = {"expanded_conv_16.project": np.arange(16, 320)}
    small = remove_channels(constant, kept, {"Conv_1": bias})
    assert_same(answers(constant, image), answers(small, image))
    bare = remove_channels(constant, kept)
    assert np.abs(bare["Conv_1"][1] - small["Conv_1"][1]).max() > 1e-4


def test_reader_that_is_two_convolutions_loses_inputs_of_the_first(silent, image):
    kernel, bias = silent["expanded_conv_5.project"]
    first, second = split(kernel, 32)
    made = silent | {
        "expanded_conv_5.project.reduce": (first, np.zeros(32, np.float32)),
        "expanded_conv_5.project": (second, bias),
    }
    made["expanded_conv_5.project.reduce"][0][:, :, :8] = 0
    small = remove_channels(made, {"expanded_conv_5.expand": np.arange(8, 192)})
    assert small["expanded_conv_5.project.reduce"][0].shape == (1, 1, 184, 32)
    assert small["expanded_conv_5.project"][0].shape == (1, 1, 32, 32)
    assert_same(answers(made, image), answers(small, image))
