import json

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.tfjs_weights import folded_convolution, read_graph_model


@pytest.fixture
def tiny_model(tmp_path):
    """A graph model of one shard: a float32 (2, 1) and an int32 scalar."""
    data = np.array([1.5, -2.0], "<f4").tobytes() + np.array([7], "<i4").tobytes()
    (tmp_path / "group1-shard1of1").write_bytes(data)
    manifest = [
        {
            "paths": ["group1-shard1of1"],
            "weights": [
                {"name": "a", "shape": [2, 1], "dtype": "float32"},
                {"name": "b", "shape": [], "dtype": "int32"},
            ],
        }
    ]
    (tmp_path / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
    return tmp_path


def test_read_gives_tensors_by_name_and_shape(tiny_model):
    tensors = read_graph_model(tiny_model)
    assert tensors["a"].tolist() == [[1.5], [-2.0]]
    assert tensors["b"] == 7


def test_read_names_a_missing_shard(tiny_model):
    (tiny_model / "group1-shard1of1").unlink()
    with pytest.raises(WeightsError, match="group1-shard1of1 is missing"):
        read_graph_model(tiny_model)


@pytest.mark.parametrize("cut", [4, -4])
def test_read_rejects_a_shard_of_the_wrong_length(tiny_model, cut):
    shard = tiny_model / "group1-shard1of1"
    data = shard.read_bytes()
    shard.write_bytes(data[:cut] if cut < 0 else data + bytes(cut))
    with pytest.raises(WeightsError):
        read_graph_model(tiny_model)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff", '{"weightsManifest": [{"paths": 3}]}'])
def test_read_rejects_what_is_no_graph_model(tmp_path, text):
    (tmp_path / "model.json").write_text(text, "latin-1")
    with pytest.raises(WeightsError, match=r"not a TensorFlow\.js graph model"):
        read_graph_model(tmp_path)


def test_fold_scales_a_depthwise_kernel_by_channel():
    tensors = {
        "d/depthwise_weights": np.ones((3, 3, 2, 1), np.float32),
        "d/BatchNorm/batchnorm/mul": np.array([2.0, 3.0], np.float32),
        "d/BatchNorm/batchnorm/sub": np.array([0.5, -0.5], np.float32),
    }
    kernel, bias = folded_convolution(tensors, "d")
    assert kernel[0, 0].tolist() == [[2.0], [3.0]]
    assert bias.tolist() == [0.5, -0.5]


def test_fold_of_a_batch_norm_equals_applying_it():
    random = np.random.default_rng(1)
    tensors = {
        "p/depthwise_weights": random.normal(size=(3, 3, 4, 1)),
        "p/BatchNorm/gamma": random.uniform(0.5, 2, 4),
        "p/BatchNorm/beta": random.normal(size=4),
        "p/BatchNorm/moving_mean": random.normal(size=4),
        "p/BatchNorm/moving_variance": random.uniform(0.1, 3, 4),
    }
    kernel, bias = folded_convolution(tensors, "p")
    patch = random.normal(size=(3, 3, 4, 1))
    plain = (patch * tensors["p/depthwise_weights"]).sum(axis=(0, 1, 3))
    norm = {key.rsplit("/", 1)[1]: value for key, value in tensors.items() if "Norm" in key}
    expected = (plain - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3)
    expected = expected * norm["gamma"] + norm["beta"]
    assert np.allclose((patch * kernel).sum(axis=(0, 1, 3)) + bias, expected)
