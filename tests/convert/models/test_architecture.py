from __future__ import annotations

import pytest

from convert.models.architecture import Architecture, architecture_of
from convert.models.ssdlite import build_ssdlite

NARROW = Architecture(
    channels={
        "expanded_conv_1.expand": 40,
        "expanded_conv_13.expand": 64,
        "Conv_1": 72,
        "layer_19_1_Conv2d_2_1x1_256": 8,
        "layer_19_2_Conv2d_5_3x3_s2_128": 16,
    },
    ranks={"expanded_conv_5.project": 24, "BoxPredictor_0.ClassPredictor": 16},
)


@pytest.fixture(scope="module")
def kernels():
    """Of a narrow network for images of 96 pixels: the shape of each layer's kernel."""
    model = build_ssdlite(2, 96, None, NARROW)
    assert tuple(model.output["boxes_0"].shape) == (None, 6, 6, 12)
    assert tuple(model.output["scores_5"].shape) == (None, 1, 1, 12)
    return {layer.name: tuple(layer.kernel.shape) for layer in model.layers if layer.weights}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("expanded_conv_1.expand", (1, 1, 16, 40)),
        ("expanded_conv_1.depthwise", (3, 3, 40, 1)),
        ("expanded_conv_1.project", (1, 1, 40, 24)),
        ("BoxPredictor_0.BoxEncodingPredictor_depthwise", (3, 3, 64, 1)),
        ("BoxPredictor_0.ClassPredictor.reduce", (1, 1, 64, 16)),
        ("BoxPredictor_0.ClassPredictor", (1, 1, 16, 6)),
        ("layer_19_1_Conv2d_2_1x1_256", (1, 1, 72, 8)),
        ("layer_19_2_Conv2d_2_3x3_s2_512_depthwise", (3, 3, 8, 1)),
        ("expanded_conv_5.project.reduce", (1, 1, 192, 24)),
        ("expanded_conv_5.project", (1, 1, 24, 32)),
        ("expanded_conv_6.expand", (1, 1, 32, 192)),
        ("BoxPredictor_5.ClassPredictor_depthwise", (3, 3, 16, 1)),
    ],
)
def test_a_narrow_layer_narrows_what_reads_it(kernels, layer, shape):
    assert kernels[layer] == shape


def test_architecture_is_read_back_from_the_shapes_of_kernels(kernels):
    found = architecture_of(kernels)
    assert {name: found.channels[name] for name in NARROW.channels} == NARROW.channels
    assert found.ranks == NARROW.ranks
    assert found.channels["expanded_conv_6.expand"] == 192  # as published
    assert not [name for name in found.channels if "depthwise" in name or "Predictor" in name]
