from __future__ import annotations

import dataclasses
import hashlib

import msgspec
import pytest

from device.bundle.bundle import Bundle
from device.errors import SinkError
from device.inference.autotune import TunedSettings, load_choice, save_choice, state_file
from device.runtimes import installed_interpreters
from device.system.board import read_board
from tests.conftest import needs_tflite_runtime

HERE = read_board()
CHOICE = TunedSettings(
    interpreter="litert",
    version=installed_interpreters()["litert"],
    threads=3,
    fps=12.5,
    measured_at="2026-11-21T10:00:00Z",
)


@pytest.fixture
def bundle(small_bundle) -> Bundle:
    return Bundle(small_bundle)


@pytest.fixture(autouse=True)
def state_home(tmp_path, monkeypatch):
    home = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home


def test_saved_choice_is_loaded(bundle, state_home):
    assert load_choice(HERE, bundle, "int8") is None
    path = save_choice(HERE, bundle, "int8", CHOICE)
    assert path == state_home / "liteberry" / "choices.json"
    assert load_choice(HERE, bundle, "int8") == CHOICE


def test_choice_holds_for_its_variant_bundle_and_board_alone(bundle, bundle_copy):
    save_choice(HERE, bundle, "int8", CHOICE)
    assert load_choice(HERE, bundle, "float32") is None
    bundle_copy.change(lambda manifest: manifest.update(max_detections=7))
    assert load_choice(HERE, Bundle(bundle_copy.folder), "int8") is None
    other = dataclasses.replace(HERE, model="Raspberry Pi 3 Model B Plus Rev 1.3")
    assert load_choice(other, bundle, "int8") is None
    grown = dataclasses.replace(HERE, cpu=dataclasses.replace(HERE.cpu, cores=99))
    assert load_choice(grown, bundle, "int8") is None


def test_choices_do_not_displace_each_other(bundle):
    other = dataclasses.replace(HERE, model="Raspberry Pi 3 Model B Plus Rev 1.3")
    save_choice(HERE, bundle, "int8", CHOICE)
    save_choice(HERE, bundle, "float32", CHOICE)
    save_choice(other, bundle, "int8", CHOICE)
    assert load_choice(HERE, bundle, "int8") == CHOICE
    assert load_choice(HERE, bundle, "float32") == CHOICE
    assert load_choice(other, bundle, "int8") == CHOICE


def test_choice_for_another_version_holds_no_more(bundle):
    old = msgspec.structs.replace(CHOICE, version="0.1")
    save_choice(HERE, bundle, "int8", old)
    assert load_choice(HERE, bundle, "int8") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": {"b": {"c": {"threads": 0}}}}', "\x00\xff"])
def test_damaged_file_is_forgotten_and_replaced(bundle, text):
    state_file().parent.mkdir(parents=True)
    state_file().write_bytes(text.encode("latin-1"))
    assert load_choice(HERE, bundle, "int8") is None
    save_choice(HERE, bundle, "int8", CHOICE)
    assert load_choice(HERE, bundle, "int8") == CHOICE


def test_state_that_cannot_be_written_is_one_line(bundle, state_home):
    state_home.write_text("a file where a folder is needed")
    with pytest.raises(SinkError, match=r"choices\.json: .*set XDG_STATE_HOME"):
        save_choice(HERE, bundle, "int8", CHOICE)


def test_nothing_is_left_beside_the_file(bundle):
    save_choice(HERE, bundle, "int8", CHOICE)
    assert [path.name for path in state_file().parent.iterdir()] == ["choices.json"]


@pytest.mark.parametrize("value", [None, "", "relative/folder"])
def test_home_is_the_users_where_none_is_set(monkeypatch, tmp_path, value):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME")
    if value is not None:
        monkeypatch.setenv("XDG_STATE_HOME", value)
    assert state_file() == tmp_path / ".local" / "state" / "liteberry" / "choices.json"


def test_hash_is_that_of_the_manifest_as_built(bundle_dir):
    manifest = (bundle_dir / "manifest.json").read_bytes()
    assert Bundle(bundle_dir).sha256 == hashlib.sha256(manifest).hexdigest()


@needs_tflite_runtime
def test_detect_runs_as_tuned_unless_flags_say_otherwise(device, small_bundle):
    bundle = Bundle(small_bundle)
    tuned = msgspec.structs.replace(CHOICE, interpreter="tflite-runtime", threads=3)
    tuned = msgspec.structs.replace(tuned, version=installed_interpreters()["tflite-runtime"])
    save_choice(read_board(), bundle, "int8", tuned)
    run = ("detect", small_bundle, "--source", small_bundle / "samples" / "cat.jpg")
    ran = device(*run)
    assert "in tflite-runtime 2.14.0 (by bench --tune), no delegate, 3 threads" in ran.err
    ran = device(*run, "--threads", 1)
    assert "in litert 2.3.0 (first choice), XNNPACK, 1 thread;" in ran.err
