from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from device.bundle.bundle import Bundle
from device.cameras.base import CameraLoss
from device.pipeline.history import Second
from device.system.board import Memory, State
from device.web.feed import PageFeed
from device.web.run import Run, describe

SECOND = Second(5.0, 4.0, 6.0, 30.0, 40.0)
STATE = State("ondemand", 1500.0, 1800.0, 61.5, 0x50005, 0.4)


@pytest.fixture
def pipeline():
    load = SimpleNamespace(cpu_percent=41.26)
    seen = Counter(cat=3, person=9)
    return SimpleNamespace(loss=None, dropped=7, load=load, frames_with=seen)


@pytest.fixture
def run(pipeline):
    return Run(PageFeed(10), pipeline, controls=None, about={"name": "door"})


def test_viewer_is_told_once_what_stays_the_same(run):
    assert json.loads(run.hello()) == {"name": "door", "messages": None, "history": []}


def test_second_has_the_figures_of_run_and_machine(run):
    news = json.loads(run.second(SECOND, STATE, Memory(4000, 3000, 0, 0)))
    assert (news["fps"], news["dropped"], news["cpu_percent"]) == (5.0, 7, 41.3)
    assert (news["memory_total_mib"], news["temperature_c"]) == (4000, 61.5)
    assert news["throttled"] == ["under-voltage", "throttled"]
    assert news["loss"] is None


def test_loss_of_the_camera_is_told_with_its_cause_and_how_long_it_lasts(
    run, pipeline, monkeypatch
):
    pipeline.loss = CameraLoss("unplugged", "plug it in", 100.0)
    monkeypatch.setattr("device.web.run.time", SimpleNamespace(monotonic=lambda: 103.5))
    news = json.loads(run.second(SECOND, STATE, Memory(4000, 3000, 0, 0)))
    assert news["loss"] == {"cause": "unplugged", "advice": "plug it in", "for_s": 3.5}


def test_run_without_frames_is_not_well_and_the_camera_says_why(run, pipeline, monkeypatch):
    monkeypatch.setattr(run.history, "ailment", lambda: None)
    assert run.health() == (200, b'{"status":"ok"}\n')
    monkeypatch.setattr(run.history, "ailment", lambda: "no frame for 4 s")
    pipeline.loss = CameraLoss("unplugged", "plug it in", 100.0)
    status, content = run.health()
    assert status == 503
    assert json.loads(content) == {"status": "failing", "reason": "no frame for 4 s: unplugged"}


def test_viewer_is_told_at_the_end_what_was_seen_most(run):
    told = json.loads(run.goodbye("full"))
    assert told == {"frames": 0, "seen": [["person", 9], ["cat", 3]], "failure": "full"}


def test_description_has_the_variants_to_change_to_and_no_passwords(bundle_dir):
    bundle = Bundle(bundle_dir)
    about = describe(bundle, "rtsp://me:secret@camera/stream", "door", ["int8"])
    assert (about["name"], about["source"]) == ("door", "rtsp://***@camera/stream")
    assert list(about["variants"]) == ["int8"]
    assert describe(bundle, "/videos/cat.mp4")["source"] == "cat.mp4"
    assert list(describe(bundle, "0")["variants"]) == list(bundle.manifest.variants)
