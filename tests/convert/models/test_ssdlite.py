"""The Keras network, in a process of its own: TensorFlow has warnings and threads to spare."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT

SCRIPT = """
import json, sys
import numpy as np
from pathlib import Path
from convert.models.anchors import ANCHORS_PER_CELL, GRID_SIZES
from convert.errors import WeightsError
from convert.models.ssdlite import build_ssdlite
from convert.models.tfjs_weights import load_ssdlite, read_graph_model
from device.images import read_image
from device.bundle.manifest import InputRule, TensorSpec
from device.inference.preprocess import Preprocessor

model = build_ssdlite(91)
tensors = read_graph_model(Path(sys.argv[1]))
load_ssdlite(model, tensors)
rule = InputRule(width=300, height=300, mean=127.5, std=127.5)
image = np.empty((1, 300, 300, 3), np.float32)
spec = TensorSpec(position=0, shape=image.shape, dtype="float32")
Preprocessor(rule, spec)(read_image(Path(sys.argv[2])), image)
np.savez(sys.argv[3], **{k: v.numpy() for k, v in model(image).items()})
del tensors["FeatureExtractor/MobilenetV2/Conv_1/BatchNorm/batchnorm/sub"]
try:
    load_ssdlite(model, tensors)
except WeightsError as exc:
    missing = str(exc)
print(json.dumps({"parameters": model.count_params(), "missing": missing}))
"""


@pytest.fixture(scope="module")
def keras(weights_dir, bundle_dir, tmp_path_factory):
    outputs = tmp_path_factory.mktemp("keras") / "outputs.npz"
    photo = bundle_dir / "samples" / "person.jpg"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(weights_dir), str(photo), str(outputs)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    with np.load(outputs) as arrays:
        return said, dict(arrays), photo


def test_network_has_the_published_number_of_parameters(keras):
    assert keras[0]["parameters"] == 4_475_167


def test_missing_weight_is_named(keras):
    assert "Conv_1/BatchNorm/batchnorm/sub" in keras[0]["missing"]


def test_float32_variant_answers_as_the_keras_network(keras, bundle_dir):
    from device.bundle.bundle import Bundle
    from device.bundle.labels import is_placeholder
    from device.images import read_image
    from device.inference.interpreter import Interpreter
    from device.inference.preprocess import Preprocessor

    _, expected, photo = keras
    manifest = Bundle(bundle_dir).manifest
    interpreter = Interpreter("litert", bundle_dir / "float32.tflite", threads=1)
    Preprocessor(manifest.input, interpreter.input)(read_image(photo), interpreter.input_tensor())
    interpreter.invoke()
    found = interpreter.output_tensors()
    names = interpreter.output_names()
    assert names.keys() == expected.keys()
    labels = (ROOT / "datasets" / "labels" / "coco.txt").read_text("utf-8").splitlines()
    kept = [number for number, label in enumerate(labels) if not is_placeholder(label)]
    for name, values in expected.items():
        ours = found[names[name]]
        if ours.shape != values.shape:  # scores, of which those that name nothing are cut
            values = values.reshape(-1, len(labels))[:, kept].reshape(ours.shape)
        assert np.abs(ours - values).max() < 1e-3, name
