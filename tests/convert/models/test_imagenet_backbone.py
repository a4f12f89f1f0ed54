from __future__ import annotations

import keras
import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models import imagenet_backbone as module
from convert.models.imagenet_backbone import folded_layers, imagenet_backbone, published_name
from convert.models.mobilenet_classifier import HEAD, build_classifier

SIDE = 96


@pytest.fixture(scope="module")
def published() -> keras.Model:
    """Keras Applications' network with random weights and batch norms of an uneven kind."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((SIDE, SIDE, 3), include_top=False, weights=None)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, size),
                    random.normal(0, 0.3, size),
                    random.normal(0, 0.1, size),
                    random.uniform(0.5, 1.5, size),
                ]
            )
    return model


def test_folded_backbone_answers_as_the_published_one(published):
    layers = folded_layers(published)
    model = build_classifier(1, SIDE, None)
    for layer in model.layers:
        if layer.weights and layer.name != HEAD:
            layer.set_weights(list(layers[layer.name]))
    means = keras.Model(model.input, model.get_layer("means").output)
    image = np.random.default_rng(1).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)
    wanted = published(image, training=False).numpy().mean(axis=(1, 2))
    assert wanted.max() > 0.01
    np.testing.assert_allclose(means(image).numpy().reshape(1, -1), wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Conv1", "Conv"),
        ("Conv_1", "Conv_1"),
        ("expanded_conv_depthwise", "expanded_conv.depthwise"),
        ("block_12_project", "expanded_conv_12.project"),
    ],
)
def test_layers_have_the_names_of_the_published_graphs(name, ours):
    assert published_name(name) == ours


def test_file_that_is_missing_or_of_something_else_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="no such file"):
        imagenet_backbone(tmp_path / "gone.h5")
    inputs = keras.Input((2,))
    other = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    monkeypatch.setattr(module, "_network", lambda top: other)
    (tmp_path / "a.weights.h5").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="not those of Keras Applications"):
        imagenet_backbone(tmp_path / "a.weights.h5")


def test_weights_that_cannot_be_fetched_are_one_line_and_the_usual_timeout_is_back(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route\nto the host")

    monkeypatch.setattr(keras.applications, "MobileNetV2", unreachable)
    before = module.socket.getdefaulttimeout()
    with pytest.raises(WeightsError, match=r"could not be had \(no route\)$"):
        imagenet_backbone()
    assert module.socket.getdefaulttimeout() == before
