from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.doctor.bundle import check_bundle
from device.doctor.case import Case, Python
from device.doctor.finding import Finding
from device.doctor.trial import NOT_INSTALLED, Attempt
from tests.device.conftest import cut

WORKS = {name: Attempt() for name in ("numpy", "msgspec", "cv2")}


def of(bundle: Path | None) -> Case:
    case = Case.here(bundle)
    case.__dict__["imports"] = WORKS
    return case


def only(findings: object) -> Finding:
    (finding,) = findings
    return finding


def test_intact_bundle_is_ok_and_runs(small_bundle, capsys):
    intact, ran = check_bundle(of(small_bundle))
    assert (intact.verdict, ran.verdict) == ("ok", "ok")
    assert "every sha256 right" in intact.found
    assert ran.found.startswith("int8 runs in litert ")
    assert capsys.readouterr().err == "loading int8\n"


def test_no_bundle_is_nothing_to_check():
    assert list(check_bundle(of(None))) == []


def test_every_damaged_file_is_named(bundle_copy):
    cut(bundle_copy.folder / "int8.tflite", 0.5)
    (bundle_copy.folder / "labels.txt").unlink()
    finding = only(check_bundle(of(bundle_copy.folder)))
    assert finding.verdict == "problem"
    assert "int8.tflite is damaged" in finding.found
    assert "labels.txt: No such file" in finding.found
    assert "anchors.npy" not in finding.found
    assert "deploy.sh" in finding.mend


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "manifest.json is damaged"),
        ("[]", "it has no files"),
        ("{}", "it has no files"),
        ('{"files": {}}', "it has no files"),
        ('{"files": "x"}', "it has no files"),
        ('{"files": {"a": "b"}}', "it has no variants"),
        ("\udcff", "manifest.json is damaged"),
        pytest.param("[" * 100_000, "manifest.json is damaged", id="deep"),
    ],
)
def test_damaged_manifest_is_a_problem(bundle_copy, text, says):
    path = bundle_copy.folder / "manifest.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    finding = only(check_bundle(of(bundle_copy.folder)))
    assert finding.verdict == "problem"
    assert says in finding.found


@pytest.mark.parametrize("name", ["", "labels.txt", "nowhere"])
def test_what_is_no_bundle_is_a_problem(tmp_path, name):
    (tmp_path / "labels.txt").write_text("cat\n")
    finding = only(check_bundle(of(tmp_path / name)))
    assert finding.verdict == "problem"
    assert "no bundle (manifest.json: " in finding.found


def test_model_of_another_format_is_called_what_it_is(tmp_path):
    (tmp_path / "best.onnx").write_bytes(b"x")
    finding = only(check_bundle(of(tmp_path / "best.onnx")))
    assert (finding.verdict, finding.mend) == ("problem", None)
    assert "an ONNX model, not a .tflite" in finding.found


def test_variant_that_does_not_load_is_a_problem(bundle_copy):
    data = (bundle_copy.folder / "int8.tflite").read_bytes()
    bundle_copy.replace("int8.tflite", data[:1000])
    intact, ran = check_bundle(of(bundle_copy.folder))
    assert (intact.verdict, ran.verdict) == ("ok", "problem")
    assert ran.found.startswith("int8: ")


def test_variants_are_not_tried_without_packages(small_bundle):
    case = of(small_bundle)
    case.__dict__["imports"] = {**WORKS, "numpy": NOT_INSTALLED}
    _, finding = check_bundle(case)
    assert finding.verdict == "unknown"
    assert finding.found == "not tried: numpy cannot be imported"


def test_variants_are_not_tried_in_a_python_that_cannot_be_used(small_bundle):
    old = Python((3, 9, 2), 64, "python3", None, True)
    _, finding = check_bundle(dataclasses.replace(of(small_bundle), python=old))
    assert finding.verdict == "unknown"
