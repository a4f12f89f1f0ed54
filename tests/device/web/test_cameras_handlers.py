from __future__ import annotations

import json

import pytest

from device.hub.readings import read_metrics
from tests.helpers.several_cameras import visit_several


@pytest.fixture(scope="module")
def several(bundle_dir, no_token):
    with visit_several(bundle_dir, ["front door", "garden"]) as several:
        yield several


def test_page_has_a_tile_for_each(several):
    run = several.first
    assert b"cameras.js" in run.ask("/")[2]
    tiles = json.loads(run.ask("/api/cameras")[2])
    assert [(tile["name"], tile["health"]) for tile in tiles] == [
        ("front door", "ok"),
        ("garden", "asking"),
    ]


def test_each_has_the_addresses_of_one_alone_below_its_own(several):
    run = several.first
    assert b"page.js" in run.ask("/cameras/front-door/")[2]
    assert run.ask("/cameras/front-door/snapshot.jpg")[2].startswith(b"\xff\xd8")
    assert json.loads(run.ask("/cameras/front-door/healthz")[2]) == {"status": "ok"}
    assert json.loads(run.ask("/cameras/front-door/settings")[2])["variant"] == "int8"
    assert run.ask("/settings")[0] == 404


def test_camera_that_is_not_there_yet_has_none(several):
    assert several.first.ask("/cameras/garden/")[0] == 404
    assert json.loads(several.first.ask("/healthz")[2])["cameras"]["garden"].startswith("waiting")


def test_figures_carry_the_name_and_a_hub_reads_them(several):
    text = several.first.ask("/metrics")[2]
    assert b'liteberry_up{camera="front door"} 1.0\n' in text
    assert b'liteberry_stage_seconds_count{camera="front door",stage="invoke"}' in text
    assert text.count(b"# TYPE liteberry_disk_free_bytes gauge") == 1
    reading = read_metrics(text)
    assert (reading.up, reading.camera_lost) == (True, False)
    assert reading.fps > 0


def test_strangers_are_refused_here_too(several):
    for path in ("/", "/api/cameras", "/metrics", "/cameras/front-door/settings"):
        assert several.first.ask(path, Host="evil.example")[0] == 403, path
