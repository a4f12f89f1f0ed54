from __future__ import annotations

import numpy as np

from convert.models.mobilenet_classifier import HEAD, build_classifier
from convert.models.ssdlite import build_ssdlite


def test_backbone_has_the_detectors_layers_by_name_and_shape():
    shapes = {
        layer.name: [tuple(item.shape) for item in layer.weights]
        for layer in build_ssdlite(1, 96).layers
    }
    ours = {layer.name: layer for layer in build_classifier(3, 96).layers if layer.weights}
    head = ours.pop(HEAD)
    assert len(ours) == 52
    for name, layer in ours.items():
        assert [tuple(item.shape) for item in layer.weights] == shapes[name]
    assert tuple(head.kernel.shape) == (1, 1, 1280, 3)


def test_scores_are_a_logit_for_each_class_zero_at_first():
    model = build_classifier(3, 96, None)
    answer = model(np.zeros((2, 96, 96, 3), np.float32))["scores"].numpy()
    np.testing.assert_array_equal(answer, np.zeros((2, 3)))
