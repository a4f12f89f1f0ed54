from __future__ import annotations

import keras
import pytest

from convert.models.mobilenet_v2 import STAGES, backbone, convolution, depthwise, inverted_residual


@pytest.fixture(scope="module")
def network():
    """The backbone with both its outputs, on a picture of 96x96."""
    image = keras.Input((96, 96, 3))
    return keras.Model(image, backbone(image))


def test_table_is_the_papers():
    assert sum(stage.repeats for stage in STAGES) == 17
    assert [stage.channels for stage in STAGES] == [16, 24, 32, 64, 96, 160, 320]


def test_outputs_are_the_tapped_features_and_the_last_convolution(network):
    tap, last = network.outputs
    assert tap.shape == (None, 6, 6, 576)  # stride 16
    assert last.shape == (None, 3, 3, 1280)  # stride 32


def test_parameters_are_those_of_the_paper_with_batch_normalisation_folded(network):
    # 2,223,872 of mobilenet_v2_1.0 without its classifier are weights (2,189,760) and two
    # trained numbers a channel, of which a bias takes the place: 17,056 of them.
    assert network.count_params() == 2_189_760 + 17_056


def test_layers_have_the_published_names(network):
    names = {layer.name for layer in network.layers}
    assert {"Conv", "expanded_conv.depthwise", "expanded_conv_13.expand", "Conv_1"} <= names
    assert "expanded_conv.expand" not in names  # the first block does not expand
    assert "expanded_conv_2.add" in names
    assert "expanded_conv_1.add" not in names  # its stride is 2


@pytest.mark.parametrize(
    ("channels", "stride", "added"), [(8, 1, True), (8, 2, False), (12, 1, False)]
)
def test_block_adds_its_input_only_where_it_fits(channels, stride, added):
    image = keras.Input((8, 8, 8))
    output, expanded = inverted_residual(image, 6, channels, stride, "block")
    assert expanded.shape[-1] == 48
    assert output.shape == (None, 8 // stride, 8 // stride, channels)
    names = {layer.name for layer in keras.Model(image, output).layers}
    assert ("block.add" in names) is added


def test_projection_has_no_activation_and_others_end_at_six():
    image = keras.Input((4, 4, 3))
    plain = keras.Model(image, convolution(image, 2, "plain", relu=False))
    ended = keras.Model(image, depthwise(convolution(image, 2, "ended"), "deep"))
    assert [layer.name for layer in plain.layers[1:]] == ["plain"]
    activations = [layer for layer in ended.layers if isinstance(layer, keras.layers.ReLU)]
    assert [layer.max_value for layer in activations] == [6.0, 6.0]
