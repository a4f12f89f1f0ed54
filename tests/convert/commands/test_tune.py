from __future__ import annotations

import contextlib

import pytest

from convert.tuning.log import read_log
from convert.tuning.tuner import Tuner
from tests.helpers.tuning import spoiled, tune

pytestmark = pytest.mark.usefixtures("no_measured_time")


def test_tune_says_what_is_closest_and_leaves_the_bundle(
    tiny_bundle, built, capsys, monkeypatch, no_time
):
    monkeypatch.setattr("convert.tuning.selection.refuse_noise", lambda *_: None)
    before = (tiny_bundle / "manifest.json").read_bytes()
    monkeypatch.setattr(Tuner, "_judge", spoiled(Tuner._judge))
    assert tune(tiny_bundle, built / "pictures", "15", *no_time) == 1
    said = capsys.readouterr().err
    assert "the closest loses" in said
    assert "float32 itself costs" in said
    assert (tiny_bundle / "manifest.json").read_bytes() == before
    assert not read_log(tiny_bundle).met


def test_damaged_bundle_is_refused_before_the_search(tiny_bundle, built, capsys, monkeypatch):
    (tiny_bundle / "int8.tflite").write_bytes(b"")
    monkeypatch.setattr("convert.tuning.tuner.Tuner", None)
    assert tune(tiny_bundle, built / "pictures", "30") == 1
    assert "int8.tflite" in capsys.readouterr().err


def test_bundle_that_cannot_be_written_is_refused_before_the_search(
    tiny_bundle, built, capsys, monkeypatch
):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("convert.tuning.tuner.Tuner", None)
    assert tune(tiny_bundle, built / "pictures", "30") == 1
    assert "cannot be written: tune a copy" in capsys.readouterr().err


def test_workers_of_the_executor_look_at_the_pictures(tiny_bundle, built, monkeypatch):
    monkeypatch.setattr("convert.evaluation.workers.looker_at", contextlib.nullcontext)
    asked = []

    def tuner(*_, looker):
        asked.append(looker)
        raise KeyboardInterrupt

    monkeypatch.setattr("convert.tuning.tuner.Tuner", tuner)
    address = "tcp://farm:8786"
    assert tune(tiny_bundle, built / "pictures", "30", "--executor", address) == 130
    assert asked == [address]
