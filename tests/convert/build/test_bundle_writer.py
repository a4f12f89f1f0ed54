import errno
import shutil
from pathlib import Path

import pytest

from convert.build.bundle_writer import hash_files, staged_bundle, write_manifest
from convert.errors import ConversionError
from device.bundle.bundle import Bundle
from device.bundle.manifest import FORMAT
from device.errors import BundleError, SourceError


def fill(target, source):
    shutil.copytree(source, target, dirs_exist_ok=True)


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_complete_bundle_takes_its_place(bundle_dir, tmp_path):
    with staged_bundle(tmp_path / "deep" / "out") as staged:
        fill(staged, bundle_dir)
    Bundle(tmp_path / "deep" / "out").verify()
    assert leftovers(tmp_path / "deep") == []


def test_complete_bundle_replaces_an_older_one(bundle_dir, tmp_path):
    fill(tmp_path / "out", bundle_dir)
    (tmp_path / "out" / "old.txt").write_text("from before")
    with staged_bundle(tmp_path / "out") as staged:
        fill(staged, bundle_dir)
    assert not (tmp_path / "out" / "old.txt").exists()
    assert leftovers(tmp_path) == []


def test_interruption_between_the_two_renames_brings_the_older_bundle_back(
    bundle_dir, tmp_path, monkeypatch
):
    fill(tmp_path / "out", bundle_dir)
    rename = Path.rename

    def interrupted(path, target):
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), staged_bundle(tmp_path / "out") as staged:
        fill(staged, bundle_dir)
    Bundle(tmp_path / "out").verify()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_failure_leaves_the_older_bundle_and_nothing_else(bundle_dir, tmp_path, error):
    fill(tmp_path / "out", bundle_dir)
    with pytest.raises(error), staged_bundle(tmp_path / "out") as staged:
        (staged / "half").write_text("half")
        raise error
    Bundle(tmp_path / "out").verify()
    assert leftovers(tmp_path) == []


def test_failure_in_a_new_place_leaves_no_empty_folders(tmp_path):
    with pytest.raises(ValueError, match="stop"), staged_bundle(tmp_path / "new" / "deep" / "out"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_error_of_ours_that_is_an_oserror_too_keeps_its_words(tmp_path):
    with pytest.raises(SourceError, match="no picture"), staged_bundle(tmp_path / "out"):
        raise SourceError("no picture")


def test_full_disk_is_one_clear_error(tmp_path):
    with pytest.raises(ConversionError, match="No space left"), staged_bundle(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_bundle_that_does_not_verify_is_not_put_in_place(bundle_dir, tmp_path):
    with pytest.raises(BundleError, match="damaged"), staged_bundle(tmp_path / "out") as staged:
        fill(staged, bundle_dir)
        (staged / "labels.txt").write_text("other")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_no_bundle_is_never_replaced(tmp_path):
    (tmp_path / "holiday.jpg").write_text("precious")
    with pytest.raises(ConversionError, match="not a bundle"), staged_bundle(tmp_path):
        pytest.fail("must not get this far")
    assert (tmp_path / "holiday.jpg").read_text() == "precious"


def test_unwritable_place_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConversionError), staged_bundle(tmp_path / "file" / "out"):
        pytest.fail("must not get this far")


def test_hashes_cover_every_file_but_the_manifest(bundle_dir):
    manifest = Bundle(bundle_dir).manifest
    assert manifest.format == FORMAT  # its boxes are voted on
    measured_later = {"accuracy.json", "report.html"}
    on_disk = {str(p.relative_to(bundle_dir)) for p in bundle_dir.rglob("*") if p.is_file()}
    assert on_disk - measured_later == {*manifest.files, "manifest.json"}
    hashes = hash_files(bundle_dir)
    assert {name: hashes[name] for name in manifest.files} == manifest.files


def test_manifest_survives_being_written_and_read(bundle_dir, tmp_path):
    fill(tmp_path / "out", bundle_dir)
    manifest = Bundle(tmp_path / "out").manifest
    write_manifest(tmp_path / "out", manifest)
    assert Bundle(tmp_path / "out").manifest == manifest
