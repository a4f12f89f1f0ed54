from __future__ import annotations

from pathlib import Path

import msgspec

from device.bundle.bare_model import BareModel
from device.bundle.bundle import Bundle


def manifest_of(small_bundle: Path):
    bundle = Bundle(small_bundle)
    return msgspec.structs.replace(bundle.manifest, files={"int8.tflite": "ab" * 32})


def test_hash_is_that_of_its_one_file(small_bundle):
    model = BareModel(small_bundle / "int8.tflite", manifest_of(small_bundle), ("cat",), None)
    assert model.sha256 == "ab" * 32
    assert model.folder == small_bundle
    assert (model.labels, model.anchors) == (("cat",), None)


def test_guesses_are_warned_of_after_what_could_not_be_read(small_bundle):
    path, manifest = small_bundle / "int8.tflite", manifest_of(small_bundle)
    model = BareModel(path, manifest, (), None, guesses=["GUESSED"], complaint="unreadable")
    assert model.warnings == ("unreadable", "GUESSED")
    assert BareModel(path, manifest, (), None).warnings == ()
