from __future__ import annotations

import hashlib
import re

import pytest

from device.bundle.bundle import Bundle
from device.bundle.hashes import sha256_of
from device.errors import BundleError, UsageError


def test_real_bundle_is_whole(bundle_dir):
    bundle = Bundle(bundle_dir)
    bundle.verify()
    assert bundle.anchors.shape == (1917, 4)
    assert [bundle.labels[index] for index in (0, 15, 41)] == ["person", "cat", "cup"]
    assert bundle.default_variant == "int8"


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


def test_without_int8_the_smallest_variant_is_the_default(bundle_copy):
    def rename(manifest):
        int8 = manifest["variants"].pop("int8")
        manifest["variants"] = {
            "large": int8 | {"size_bytes": 9},
            "small": int8 | {"size_bytes": 8},
        }

    bundle_copy.change(rename)
    assert Bundle(bundle_copy.folder).default_variant == "small"


def test_load_rejects_wrong_hash(bundle_copy):
    model = bundle_copy.folder / "int8.tflite"
    data = bytearray(model.read_bytes())
    data[1000] ^= 1
    model.write_bytes(data)
    bundle = Bundle(bundle_copy.folder)
    with pytest.raises(BundleError, match=r"int8\.tflite is damaged: .*build the bundle again"):
        bundle.file("int8.tflite")
    with pytest.raises(BundleError, match=r"int8\.tflite is damaged"):
        bundle.verify()
    bundle.verify(["labels.txt"])


def test_load_rejects_missing_file(bundle_copy):
    (bundle_copy.folder / "labels.txt").unlink()
    bundle = Bundle(bundle_copy.folder)
    with pytest.raises(BundleError, match=r"labels\.txt: No such file.*copy or build"):
        _ = bundle.labels


def test_file_that_the_manifest_does_not_name_is_not_vouched_for(bundle_copy):
    (bundle_copy.folder / "extra.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"does not vouch for extra\.txt"):
        Bundle(bundle_copy.folder).file("extra.txt")


@pytest.mark.parametrize("name", ["a\0b", "../a\0b"])
def test_load_rejects_file_name_that_no_system_has(bundle_copy, name):
    bundle_copy.change(lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(BundleError, match="names a file outside it"):
        Bundle(bundle_copy.folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "samples/../../secret"])
def test_load_rejects_path_that_escapes_the_folder(bundle_copy, name):
    secret = bundle_copy.folder.parent / "secret"
    secret.write_text("x")
    bundle_copy.change(lambda manifest: manifest["files"].update({name: sha256_of(secret)}))
    with pytest.raises(BundleError, match=f"names a file outside it: {re.escape(name)}"):
        Bundle(bundle_copy.folder)


def test_unknown_variant_lists_what_there_is(small_bundle):
    with pytest.raises(
        UsageError, match=r"no variant 'int4' .* it has: int8; did you mean int8\?$"
    ):
        Bundle(small_bundle).variant("int4")


def test_bare_model_is_told_that_a_bundle_is_needed(small_bundle):
    with pytest.raises(BundleError, match=r"bare model.*a bundle is needed.*convert build"):
        Bundle(small_bundle / "int8.tflite")


@pytest.mark.parametrize("name", ["", "nowhere", "file"])
def test_what_is_no_bundle_says_how_to_make_one(tmp_path, name):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BundleError, match=r"not a bundle.*: .*convert build"):
        Bundle(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("notes.txt", "a text file"), ("cat.jpg", "a picture"), ("net.bin", "a file")],
)
def test_file_that_is_no_bundle_is_called_what_it_is(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"whatever it holds")
    with pytest.raises(BundleError, match=rf"{name} is {kind}, not a bundle"):
        Bundle(tmp_path / name)


def test_missing_bundle_names_the_folder_that_is_called_most_like_it(tmp_path):
    (tmp_path / "ssdlite").mkdir()
    with pytest.raises(BundleError) as refused:
        Bundle(tmp_path / "sdslite")
    assert str(refused.value).endswith(f"; did you mean {tmp_path / 'ssdlite'}?")


def test_folder_above_a_bundle_names_that_bundle(bundle_copy):
    with pytest.raises(BundleError) as refused:
        Bundle(bundle_copy.folder.parent)
    assert str(refused.value).endswith(f"; did you mean {bundle_copy.folder}?")


def test_broken_manifest_is_named_with_its_folder(bundle_copy):
    (bundle_copy.folder / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=re.escape(f"{bundle_copy.folder}: manifest.json")):
        Bundle(bundle_copy.folder)


def test_labels_in_another_encoding_are_rejected(bundle_copy):
    bundle_copy.replace("labels.txt", "Füße\n".encode("latin-1"))
    with pytest.raises(BundleError, match=r"labels\.txt: not text in UTF-8"):
        _ = Bundle(bundle_copy.folder).labels
