from __future__ import annotations

import pytest

from convert.compression.cost_model import layer_instructions, network_instructions
from convert.compression.layer_shapes import LayerShape
from convert.models.layer_weights import kernel_shapes


# Counted alone by convert.arm.layers on the default bundle's int8 (2026-11-28), with the six
# thousand instructions of an invoke.
@pytest.mark.parametrize(
    ("layer", "board", "counted"),
    [
        (LayerShape("a", "convolution", 150, 3, 32, 2), "pi4", 23_552_798),
        (LayerShape("a", "depthwise", 3, 128, 128, 2), "pi4", 14_139),
        (LayerShape("a", "pointwise", 10, 1280, 24), "pi4", 798_969),
    ],
)
def test_layer_takes_what_was_counted(layer, board, counted):
    assert layer_instructions(layer, board) + 6_015 == pytest.approx(counted, rel=0.027)


# docs/slim.md: whole networks, counted.
@pytest.mark.parametrize(
    ("classes", "board", "millions"),
    [(80, "pi4", 257.88), (80, "pi5", 108.51), (3, "pi4", 228.60), (3, "pi5", 99.51)],
)
def test_network_takes_what_was_counted(weights, classes, board, millions):
    kernels = kernel_shapes(weights)
    for name, (height, width, inputs, outputs) in kernels.items():
        if name.endswith("ClassPredictor"):
            kernels[name] = (height, width, inputs, outputs // 2 * classes)
    found = network_instructions(kernels, 300, board) / 1e6
    assert found == pytest.approx(millions, rel=0.002)


def test_nine_outputs_cost_what_sixteen_do():
    nine, sixteen = (LayerShape("a", "pointwise", 19, 64, outputs) for outputs in (9, 16))
    assert layer_instructions(nine, "pi4") == layer_instructions(sixteen, "pi4")
