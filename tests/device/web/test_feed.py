"""Which frames of a run are drawn and encoded, and for whom."""

from __future__ import annotations

import contextlib

import cv2
import numpy as np

from device.web.broadcast import WINDOW
from tests.device.conftest import make_outcome
from tests.helpers.live_page import WebSocket, visit


def test_nothing_is_drawn_or_encoded_with_nobody_watching(run):
    done = run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > done + 5)  # the last for an earlier viewer
    encoded = run.encoded()
    run.until(lambda: run.pipeline.rate.stamps > done + 25)
    assert not run.page.feed.audience.renditions
    assert run.encoded() == encoded


def test_picture_is_encoded_once_for_all(run, monkeypatch):
    monkeypatch.setattr("device.web.renditions.SLOW_S", 3600.0)  # nobody gets smaller ones
    with contextlib.ExitStack() as stack:
        watching = [stack.enter_context(WebSocket(run.host)) for _ in range(6)]
        before = run.encoded()
        seen = [viewer.image() for _ in range(5) for viewer in watching]
        encoded = run.encoded() - before
    images = {frame["record"]["frame"]: jpeg for frame, jpeg in seen}
    assert all(images[frame["record"]["frame"]] == jpeg for frame, jpeg in seen)
    assert encoded <= len(images) + 6 * WINDOW  # those not looked at yet


def test_pictures_come_no_faster_than_allowed(bundle_dir):
    with visit(bundle_dir, fps=5) as run, WebSocket(run.host) as watching:
        stamps = [watching.image()[0]["record"]["finished_at_s"] for _ in range(6)]
    assert stamps[-1] - stamps[0] >= 4 / 5


def watched(run):
    """A frame of the motorcycle as the page gets it: what is told of it, and its pixels."""
    run.scene.shows = "motorcycle"
    seen = run.pipeline.frames_with["motorcycle"]
    run.until(lambda: run.pipeline.frames_with["motorcycle"] > seen + 3)
    with WebSocket(run.host) as watching:
        frame, jpeg = watching.image()
    return frame, pixels_of(jpeg)


def pixels_of(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)


def altered(run, image) -> float:
    """The share of pixels that differ from the motorcycle by more than JPEG makes them."""
    clean = run.scene.images["motorcycle"].astype(int)
    return float((np.abs(image - clean).max(axis=2)[:, 8:] > 80).mean())


def test_picture_is_clean_and_its_record_has_the_boxes(run):
    frame, image = watched(run)
    assert frame["size_wh"] == [320, 240]
    (found,) = frame["record"]["detections"]
    assert (found["label"], len(found["box"])) == ("motorcycle", 4)
    assert altered(run, image) < 0.002


def test_snapshot_for_programs_has_the_boxes_in_it(run):
    watched(run)
    assert altered(run, pixels_of(run.ask("/snapshot.jpg")[2])) > 0.01


def test_watching_has_nothing_drawn_by_the_pipeline(run):
    with WebSocket(run.host) as watching:
        records = [watching.image()[0]["record"] for _ in range(3)]
    assert not run.page.feed.needs_image(make_outcome().frame)
    assert records


def test_stuck_viewer_gets_nothing_more_and_holds_up_nobody(run):
    with WebSocket(run.host, ready=False), WebSocket(run.host) as watching:
        before = run.pipeline.rate.stamps
        for _ in range(20):
            watching.image()
        assert run.pipeline.rate.stamps > before + 10


def test_viewer_that_says_nothing_has_nothing_encoded_for_it(run):
    with WebSocket(run.host, ready=False) as stuck:
        stuck.image()
        stuck.image()
        encoded = run.encoded()
        done = run.pipeline.rate.stamps
        run.until(lambda: run.pipeline.rate.stamps > done + 30)
        assert run.encoded() <= encoded + 2  # one that was begun, and one that waited
