"""A classifier on MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), in Keras.

Its layers up to the last convolution are those of the detector, by the same names, batch norms
folded, so that weights of either fit the other.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.mobilenet_v2 import backbone

HEAD = "Logits"  # the layer that scores classes


def build_classifier(classes: int, size: int, batch_size: int | None = 1) -> keras.Model:
    """MobileNetV2 for images of ``size`` x ``size`` that scores ``classes`` classes.

    Input: float32 (batch, size, size, 3), RGB, -1..1. Output ``scores``: (batch, classes), logits,
    by a 1x1 convolution of the means, which int8 rounds by a scale per class.
    """
    inputs = keras.Input((size, size, 3), batch_size=batch_size, name="image")
    _, features = backbone(inputs)
    means = layers.GlobalAveragePooling2D(keepdims=True, name="means")(features)
    scores = layers.Conv2D(classes, 1, kernel_initializer="zeros", name=HEAD)(means)
    outputs = {"scores": layers.Reshape((classes,), name="scores")(scores)}
    return keras.Model(inputs, outputs, name="mobilenet_v2")
