from __future__ import annotations

import pytest

from convert.compression.layer_shapes import block_sides, layer_shapes
from convert.models.layer_weights import kernel_shapes
from convert.models.ssdlite import build_ssdlite
from tests.convert.compression.conftest import CLASSES


@pytest.mark.parametrize("size", [112, 300])
def test_sides_are_those_of_the_network(weights, size):
    model = build_ssdlite(CLASSES, size)
    for layer in layer_shapes(kernel_shapes(weights), size):
        _, height, width, channels = model.get_layer(layer.name).output.shape
        assert (layer.side, layer.side, layer.outputs) == (height, width, channels), layer


def test_strides_are_those_of_the_network(network, weights):
    for layer in layer_shapes(kernel_shapes(weights), 300):
        assert layer.stride == network.get_layer(layer.name).strides[0], layer


def test_first_block_reads_half_the_image_and_the_last_gives_a_thirty_second():
    read, given = block_sides(300)
    assert (read[0], read[1], given[1], given[-1]) == (150, 150, 75, 10)
