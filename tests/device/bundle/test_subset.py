"""Bundles cut down to some of their variants."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device.bundle.bundle import Bundle
from device.bundle.subset import keep_variants
from device.errors import BundleError, UsageError


@pytest.fixture
def bundle(bundle_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_dir, tmp_path / "bundle"))


def edit(bundle: Path, **changes: object) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = manifest
        for parent in parents:
            place = place[parent]
        place[last] = value
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def test_bundle_of_one_variant_is_whole_and_says_what_it_said(bundle: Path, bundle_dir: Path):
    keep_variants(bundle, ["int8"])
    cut, before = Bundle(bundle), Bundle(bundle_dir)
    cut.verify()
    assert list(cut.manifest.variants) == ["int8"]
    assert [path.name for path in bundle.glob("*.tflite")] == ["int8.tflite"]
    assert cut.manifest.variants["int8"] == before.manifest.variants["int8"]
    for sample, whole in zip(cut.manifest.samples, before.manifest.samples, strict=True):
        assert sample.detections == {"int8": whole.detections["int8"]}
    assert cut.manifest.provenance == before.manifest.provenance


def test_another_name_for_the_manifest_keeps_what_it_named(bundle: Path, tmp_path: Path):
    (tmp_path / "old").hardlink_to(bundle / "manifest.json")
    before = (tmp_path / "old").read_bytes()
    keep_variants(bundle, ["int8"])
    assert (tmp_path / "old").read_bytes() == before


def test_unknown_variant_changes_nothing_and_names_those_there_are(bundle: Path):
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(UsageError, match=r"no variant 'int9'.*float32, float16, dynamic, int8"):
        keep_variants(bundle, ["int8", "int9"])
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "file", ["../precious.tflite", "/{}/precious.tflite", "labels.txt", "samples/../x.tflite", ".."]
)
@pytest.mark.parametrize("vouched_for", [True, False])
def test_file_outside_the_bundle_or_of_another_kind_is_not_removed(
    bundle: Path, tmp_path: Path, file: str, vouched_for: bool
):
    precious = tmp_path / "precious.tflite"
    precious.write_text("mine")
    file = file.format(tmp_path)
    edit(bundle, variants__float32__file=file)
    if vouched_for:
        files = json.loads((bundle / "manifest.json").read_text())["files"]
        edit(bundle, files={**files, file: "0" * 64})
    before = sorted(bundle.iterdir())
    with pytest.raises(BundleError):
        keep_variants(bundle, ["int8"])
    assert precious.read_text() == "mine"
    assert sorted(bundle.iterdir()) == before


def test_manifest_that_the_strict_reader_refuses_is_one_line_and_exit_1(bundle: Path):
    edit(bundle, variants__float32__surprise=1)
    done = subprocess.run(
        [sys.executable, "-m", "device.bundle.subset", bundle, "int8"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "surprise" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (bundle / "float32.tflite").exists()
