from __future__ import annotations

import shutil

import pytest

from tests.helpers import built_bundle as module
from tests.helpers.built_bundle import built_bundle


@pytest.fixture
def build(bundle_dir, tmp_path, monkeypatch):
    """Stands in for a build; ``build.count`` says how often it was needed."""
    monkeypatch.setattr(module, "KEPT", tmp_path / "kept")

    def build(folder):
        build.count += 1
        shutil.copytree(bundle_dir, folder)
        return "said"

    build.count = 0
    return build


def test_bundle_is_built_once_for_the_same_code(build, monkeypatch):
    first = built_bundle(build)
    assert (first.parent / "said.txt").read_text() == "said"
    assert (built_bundle(build), build.count) == (first, 1)
    monkeypatch.setattr(module, "_fingerprint", lambda: "other code")
    assert built_bundle(build) != first
    assert build.count == 2
    assert not first.exists(), "what earlier code built is not kept"


def test_bundle_that_was_changed_or_not_finished_is_built_again(build):
    folder = built_bundle(build)
    (folder / "int8.tflite").write_bytes(b"changed")
    built_bundle(build)
    (folder.parent / "said.txt").unlink()
    built_bundle(build)
    assert build.count == 3
