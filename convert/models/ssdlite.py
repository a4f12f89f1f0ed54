"""SSDLite on MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, section 6.2), in Keras.

The network ends at its raw heads: one tensor of box encodings and one of class logits per
feature map, straight from the last convolution. Nothing joins them, so that each keeps a
quantisation scale of its own; decoding and suppression run on the device.
"""

from __future__ import annotations

import keras
from keras import KerasTensor

from convert.models.anchors import ANCHORS_PER_CELL
from convert.models.architecture import PUBLISHED, Architecture
from convert.models.mobilenet_v2 import backbone, convolution, depthwise

INPUT_SIZE = 300

# Of each extra feature layer: name's number, channels of its 1x1 and of its strided 3x3.
EXTRA_LAYERS = ((2, 256, 512), (3, 128, 256), (4, 128, 256), (5, 64, 128))


def _extra_feature(
    x: KerasTensor, number: int, squeeze: int, channels: int, architecture: Architecture
) -> KerasTensor:
    name = f"layer_19_1_Conv2d_{number}_1x1_{squeeze}"
    x = convolution(x, squeeze, name, architecture=architecture)
    name = f"layer_19_2_Conv2d_{number}_3x3_s2_{channels}"
    x = depthwise(x, f"{name}_depthwise", stride=2)
    return convolution(x, channels, name, architecture=architecture)


def _predictor(x: KerasTensor, channels: int, name: str, architecture: Architecture) -> KerasTensor:
    x = depthwise(x, f"{name}_depthwise")
    return convolution(x, channels, name, relu=False, architecture=architecture)


def build_ssdlite(
    num_classes: int,
    size: int = INPUT_SIZE,
    batch_size: int | None = 1,
    architecture: Architecture = PUBLISHED,
) -> keras.Model:
    """SSDLite MobileNetV2 for images of ``size`` x ``size``, ``num_classes`` scores per anchor.

    ``num_classes`` counts the background where there is one. Input: float32 (batch, size, size,
    3), RGB, -1..1. Outputs, by name: ``boxes_0`` to ``boxes_5`` (batch, cells, cells,
    anchors * 4) and ``scores_0`` to ``scores_5`` (batch, cells, cells, anchors * num_classes),
    logits; cells as :func:`convert.models.anchors.grid_sizes` says. A batch of one is what a
    camera gives, and fixed shapes let the converter fold more; training asks for any (None).
    ``architecture`` says which layers are narrower than published.
    """
    inputs = keras.Input((size, size, 3), batch_size=batch_size, name="image")
    tap, x = backbone(inputs, architecture)
    features = [tap, x]
    for extra in EXTRA_LAYERS:
        x = _extra_feature(x, *extra, architecture)
        features.append(x)
    outputs = {}
    for level, (feature, anchors) in enumerate(zip(features, ANCHORS_PER_CELL, strict=True)):
        scope = f"BoxPredictor_{level}"
        outputs[f"boxes_{level}"] = _predictor(
            feature, anchors * 4, f"{scope}.BoxEncodingPredictor", architecture
        )
        outputs[f"scores_{level}"] = _predictor(
            feature, anchors * num_classes, f"{scope}.ClassPredictor", architecture
        )
    return keras.Model(inputs, outputs, name="ssdlite_mobilenet_v2")
