"""OpenVINO beside the interpreters that are always here: `make test-installs` installs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.tiny_models import ssd

pytestmark = pytest.mark.installs

# One child for all: importing it and reading four models takes seconds.
COMPARE = """
import json, sys
from pathlib import Path
from device.bundle.bundle import Bundle
from device.cameras.files import ImageReader
from device.errors import InterpreterError
from device.inference.engine import Engine
from device.inference.interpreter import Interpreter

bundle = Bundle(Path(sys.argv[1]))
samples = [bundle.file(sample.file) for sample in bundle.manifest.samples]
said = {"variants": {}}
for variant in bundle.manifest.variants:
    names, tensors, outputs, found = [], [], [], []
    for interpreter in ("litert", "openvino"):
        engine = Engine(bundle, variant, interpreter=interpreter, threads=1)
        names.append(engine.interpreter.output_names())
        described = (engine.interpreter.input, *engine.interpreter.outputs)
        tensors.append([str(item) for item in described])
        found.append([])
        outputs.append([])
        for frame in ImageReader(samples, print).frames():
            found[-1].append({d.label: d.score for d in engine.run(frame).detections})
            outputs[-1] += [t.astype(float) for t in engine.interpreter.output_tensors()]
    apart = max(float(abs(a - b).max()) for a, b in zip(*outputs))
    said["variants"][variant] = {"names": names, "tensors": tensors, "found": found, "apart": apart}
try:
    Interpreter("openvino", Path(sys.argv[2]), threads=1)
except InterpreterError as exc:
    said["refused"] = str(exc)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with OpenVINO alone; all that it needs is here."""
    folder = tmp_path_factory.mktemp("openvino")
    install = ["install", "--quiet", "--no-deps", "--target", folder, "openvino==2026.*"]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    return folder


def run(packages: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def said(packages: Path, bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    foreign = tmp_path_factory.mktemp("foreign") / "detect.tflite"
    foreign.write_bytes(ssd())
    return json.loads(run(packages, "-c", COMPARE, bundle_dir, foreign).splitlines()[-1])


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int8"])
def test_tensors_are_those_that_litert_finds_in_the_file(said: dict, variant: str):
    names, tensors = said["variants"][variant]["names"], said["variants"][variant]["tensors"]
    assert names[0] == names[1]
    assert tensors[0] == tensors[1]


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int8"])
def test_samples_show_what_they_show_to_litert(said: dict, variant: str):
    for litert, openvino in zip(*said["variants"][variant]["found"], strict=True):
        assert litert
        for one, other in ((litert, openvino), (openvino, litert)):
            # Kernels differ by a step or two: what is just at the threshold may be seen or not.
            assert {label for label, score in one.items() if score > 0.58} <= other.keys()


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_floats_are_not_rounded_to_bfloat16(said: dict, variant: str):
    assert said["variants"][variant]["apart"] < 1e-3  # logits of up to 10: bfloat16 has 8 bits


def test_int8_is_not_computed_where_it_saturates(said: dict):
    # Steps of 255 by which an output differs: 10 where it is exact, 133 where it was not.
    assert said["variants"]["int8"]["apart"] < 64


@pytest.mark.parametrize(
    ("features", "in_floats"),
    [("AVX2", True), ("AVX2, AVX-512 VNNI", False), ("AVX2, AVX-VNNI", False), ("NEON", True)],
)
def test_int8_is_computed_in_floats_where_the_processor_would_saturate(
    packages: Path, features: str, in_floats: bool
):
    code = (
        "from device.inference.openvino_runtime import settings_for\n"
        f"print(settings_for(2, {features.split(', ')})"
    )
    assert ("LP_TRANSFORMS_MODE" in run(packages, "-c", code + ")")) == in_floats


def test_operator_that_it_lacks_is_named(said: dict):
    assert said["refused"].endswith(
        "refuses detect.tflite: OpenVINO has no operator TFLite_Detection_PostProcess"
    )


def test_detect_runs_with_it_where_it_is_asked_for_and_without_it_where_not(
    packages: Path, bundle_dir: Path
):
    detect = ["-m", "device", "detect", bundle_dir, "--source", "demo", "--frames", "2"]
    named = subprocess.run(
        [sys.executable, *detect, "--interpreter", "openvino"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
    )
    assert named.returncode == 0, named.stderr
    assert "int8 in openvino 2026." in named.stderr
