from __future__ import annotations

import json

import pytest

from device.cameras.base import CameraLoss
from device.web.cameras import CameraTile, CameraView, CameraViews
from tests.helpers.several_cameras import visit_several


@pytest.fixture(scope="module")
def several(bundle_dir, no_token):
    with visit_several(bundle_dir, ["front door", "garden"]) as several:
        yield several


def test_tile_says_how_a_camera_is(several, monkeypatch):
    door, garden = several.views
    tile = door.tile()
    assert (tile.name, tile.link, tile.health) == ("front door", "/cameras/front-door/", "ok")
    assert tile.fps is not None
    assert garden.tile() == CameraTile(
        "garden", "/cameras/garden/", "asking", "waiting for its first picture", None
    )
    monkeypatch.setattr(door.run.history, "ailment", lambda: "no frame for 4 s")
    assert (door.tile().health, door.tile().why) == ("stalled", "no frame for 4 s")
    loss = CameraLoss("unplugged", "plug it in", 0.0)
    monkeypatch.setattr(several.first.scene, "loss", loss, raising=False)
    assert (door.tile().health, door.tile().why) == ("lost", "no frame for 4 s: unplugged")


def test_camera_that_has_ended_says_why(several):
    page = several.first.page
    failed, finished = (CameraView(page, name, f"/cameras/{name}", 10) for name in ("a", "b"))
    failed.end("no such file")
    finished.end(None)
    assert (failed.tile().health, failed.tile().why) == ("off", "no such file")
    assert (finished.tile().health, finished.tile().why) == ("off", "its source has ended")


def test_run_is_well_while_one_camera_is(several, monkeypatch):
    door, garden = several.views
    views = CameraViews(several.views)
    status, content = views.health()
    told = {"front door": "ok", "garden": "waiting for its first picture"}
    assert (status, json.loads(content)) == (200, {"status": "partial", "cameras": told})
    assert list(views.runs()) == ["front door"]
    monkeypatch.setattr(door.run.history, "ailment", lambda: "no frame for 4 s")
    status, content = views.health()
    assert (status, json.loads(content)["status"]) == (503, "failing")
    assert garden.run is None


def test_health_which_anybody_may_ask_for_does_not_tell_the_error_that_ended_a_camera(several):
    _, garden = several.views
    garden.end("/home/pi/garden.mp4: No such file or directory")
    status, content = CameraViews(several.views).health()
    assert (status, json.loads(content)["cameras"]["garden"]) == (200, "ended")
