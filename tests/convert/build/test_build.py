"""The real bundle, looked at from outside; and builds that must fail well."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRt

from device.bundle.bundle import Bundle
from device.runtimes import installed_interpreters
from tests.conftest import ROOT, run_module
from tests.helpers.children import start, wait_until


@pytest.fixture(scope="module")
def manifest(bundle_dir):
    return Bundle(bundle_dir).manifest


def test_bundle_has_all_variants_each_smaller_than_float32(manifest):
    sizes = {name: variant.size_bytes for name, variant in manifest.variants.items()}
    assert list(sizes) == ["float32", "float16", "dynamic", "int8"]
    assert sizes["float16"] < 0.51 * sizes["float32"]
    assert sizes["dynamic"] < 0.30 * sizes["float32"]
    assert sizes["int8"] < 0.30 * sizes["float32"]


def test_every_variant_was_checked_in_every_interpreter_here(manifest):
    for name, variant in manifest.variants.items():
        assert {k: c.version for k, c in variant.checks.items()} == installed_interpreters()
        for interpreter, check in variant.checks.items():
            assert check.ok, (name, interpreter, check.reason)
            assert check.agreement > 0.85
            assert check.invoke_ms > 0


def test_operator_versions_are_recorded(manifest):
    operators = manifest.variants["int8"].operators
    assert set(operators) == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "QUANTIZE"}
    assert all(1 <= version <= 6 for version in operators.values())


def test_int8_computes_in_integers_throughout(bundle_dir):
    interpreter = LiteRt(model_path=str(bundle_dir / "int8.tflite"))
    interpreter.allocate_tensors()
    dtypes = {np.dtype(item["dtype"]).name for item in interpreter.get_tensor_details()}
    assert dtypes <= {"int8", "uint8", "int32", "int64"}
    assert interpreter.get_input_details()[0]["dtype"] == np.uint8


def test_float16_holds_half_precision_weights(bundle_dir):
    interpreter = LiteRt(model_path=str(bundle_dir / "float16.tflite"))
    assert any(item["dtype"] == np.float16 for item in interpreter.get_tensor_details())


def test_samples_carry_what_the_laptop_found(manifest):
    best = {
        sample.file: sample.detections["int8"][0].label
        for sample in manifest.samples
        if sample.detections["int8"]
    }
    assert best == {
        f"samples/{label}.jpg": label for label in ("person", "cat", "motorcycle", "cup")
    }
    assert all(sample.licence and sample.source for sample in manifest.samples)


def test_provenance_is_enough_to_build_it_again(manifest):
    origin = manifest.provenance
    assert origin.calibration[0] == "astronaut.png"
    assert origin.checked_on >= 8
    assert set(origin.weights_sha256) == {"model.json"} | {
        f"group1-shard{number}of5" for number in range(1, 6)
    }
    assert origin.versions["tensorflow"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", origin.made_at)


def test_converters_chatter_does_not_reach_the_user(bundle_dir):
    said = bundle_dir.parent / "said.txt"
    if not said.exists():
        pytest.skip("the bundle was built by another session (LITEBERRY_TEST_BUNDLE)")
    lines = said.read_text().splitlines()
    assert len(lines) < 30, lines
    assert not [line for line in lines if re.search(r"^[IWE]\d{4} |WARNING|INFO:|libpng", line)]


def maps(pid: int, library: str) -> bool:
    """Whether a process has loaded a library."""
    return library in Path(f"/proc/{pid}/maps").read_text()


# While the converter is being imported, which swallows the first interrupt, and once it is there.
@pytest.mark.parametrize("loaded", [True, False])
def test_interrupted_build_leaves_nothing(tmp_path, loaded):
    with start(
        [sys.executable, "-m", "convert", "build", "--out", str(tmp_path / "out")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("network"):
                break
        assert list(tmp_path.glob(".out-*"))
        if loaded:
            wait_until(lambda: child.poll() is not None or maps(child.pid, "tensorflow"))
        os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the whole group
        _, error = child.communicate()
    assert child.returncode == 130
    assert error.splitlines()[-1].startswith("interrupted")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["build", "yolo"], 2, "no model 'yolo' in the zoo"),
        (["build", "--variants", "int4"], 2, "int4"),
        (["build", "--weights", "/nonexistent"], 1, "model.json is missing"),
        (["build", "--calibration", "/nonexistent"], 1, "no such folder"),
        (["build", "--integer-outputs", "--variants", "float32"], 2, "is about int8"),
        (["build", "--labels", "mine.txt"], 2, "--labels says nothing of ssdlite_mobilenet_v2"),
        (["build", "mobilenet_v2", "--anchors", "a.npy"], 2, "--anchors says nothing of"),
        (["build", "mine.keras", "--weights", "w.h5"], 2, "--weights says nothing of mine.keras"),
        (["build", "--out", "/dev/null/x"], 1, "cannot be written"),
        (["evaluate", "/nonexistent", "--images", "/x", "--annotations", "/x"], 1, "not a bundle"),
    ],
)
def test_bad_arguments_give_one_line_and_no_traceback(arguments, code, complaint):
    done = run_module("convert", *arguments)
    assert done.returncode == code
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert complaint in errors[0]
    assert "Traceback" not in done.stderr


def test_occupied_folder_is_refused_before_weights_are_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    done = run_module("convert", "build", "--weights", "/nonexistent", "--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} exists and is not a bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.long
def test_int8_alone_gets_float32_beside_it_and_own_calibration(tmp_path, bundle_dir):
    done = run_module(
        "convert",
        "build",
        "--variants",
        "int8",
        "--out",
        str(tmp_path / "out"),
        "--calibration",
        str(bundle_dir / "samples"),
        "--samples",
        "3",
        "--seed",
        "5",
    )
    assert done.returncode == 0, done.stderr
    manifest = Bundle(tmp_path / "out").manifest
    assert list(manifest.variants) == ["float32", "int8"]
    assert len(manifest.provenance.calibration) == 3
    assert manifest.variants["int8"].recipe["calibration_pictures"] == 3
    assert manifest.provenance.seed == 5
