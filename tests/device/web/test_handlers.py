"""What the live page answers at each address."""

from __future__ import annotations

import contextlib
import json
import time

import cv2
import numpy as np
import pytest

from device.cameras.base import CameraLoss
from tests.helpers.live_page import WebSocket, visit


def test_page_and_what_it_is_made_of_come_without_anything_from_outside(run):
    status, answer, page = run.ask("/")
    assert (status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"http://" not in page.replace(b"http://www.w3.org", b"")
    assert b"https://" not in page
    for file in ("page.css", "page.js", "line.js", "icon.svg", "fonts/instrument-sans.woff2"):
        status, answer, content = run.ask(f"/{file}")
        assert (status, bool(content)) == (200, True)
        again, _, _ = run.ask(f"/{file}", If_None_Match=answer.headers["Etag"])
        assert again == 304


def test_page_can_be_put_on_a_home_screen(run):
    page = run.ask("/")[2].decode()
    for file, kind in (
        ("app.webmanifest", "application/manifest+json"),
        ("touch.png", "image/png"),
    ):
        assert f'href="/{file}"' in page
        status, answer, content = run.ask(f"/{file}")
        assert (status, answer.headers["Content-Type"]) == (200, kind)
        assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
    icons = json.loads(run.ask("/app.webmanifest")[2])["icons"]
    assert all(run.ask(icon["src"])[0] == 200 for icon in icons)
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (180, 180, 3)


def test_clock_is_told_to_who_asks(run):
    with WebSocket(run.host) as watching:
        watching.say("clock 1234.5")
        while "clock" not in (news := watching.text_only()):
            pass
    asked, told_s = news["clock"]
    assert asked == 1234.5
    assert 0 <= time.monotonic() - told_s < 3600


@pytest.mark.parametrize(
    "text", ["clock", "clock NaN", "clock 1e9", "clock -1", "clock 01", "clock 1 "]
)
def test_clock_that_is_no_number_is_hung_up(run, text):
    with WebSocket(run.host) as watching:
        watching.say(text)
        assert watching.goodbye() == 1008


def test_last_event_tells_what_was_seen(bundle_dir):
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(visit(bundle_dir))
        run.until(lambda: run.pipeline.frames_with["cat"] > 2)
        events = contextlib.ExitStack()
        told = events.enter_context(run.events())
        assert next(told)[0] == "settings"
        stack.close()
        kind, content = list(told)[-1]
        events.close()
    assert kind == "goodbye"
    assert content["frames"] >= content["seen"][0][1] > 2
    assert (content["seen"][0][0], content["failure"]) == ("cat", None)


def test_cause_of_a_loss_is_in_health_and_seconds(bundle_dir, monkeypatch):
    with visit(bundle_dir) as run:
        run.until(lambda: run.ask("/healthz")[0] == 200)
        run.scene.loss = CameraLoss("rtsp://camera: gone", "Is it on?", time.monotonic() - 5)
        with monkeypatch.context() as patch:
            patch.setattr("device.pipeline.history.STALE_AFTER_S", 0.0)
            run.scene.there.clear()
            # A frame that was under way may still come between two answers.
            run.until(lambda: run.ask("/healthz")[2].endswith(b': rtsp://camera: gone"}\n'))
        with run.events() as events:
            loss = until_event(events, lambda kind, _: kind == "second")["loss"]
    assert (loss["cause"], loss["advice"]) == ("rtsp://camera: gone", "Is it on?")
    assert 5 <= loss["for_s"] < 3600


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/page/", "/..%2f..%2fpyproject.toml", "/../errors.py", "/nothing.js",
     "/fonts/OFL.txt", "/fonts/none.woff2"],
)  # fmt: skip
def test_unknown_address_is_not_found(run, path):
    status, _, content = run.ask(path)
    assert status == 404
    assert "nothing is at" in json.loads(content)["error"]


def test_health_is_good_only_while_frames_flow(bundle_dir, monkeypatch):
    with visit(bundle_dir) as run:
        run.until(lambda: run.ask("/healthz")[0] == 200)
        assert run.ask("/healthz")[2] == b'{"status":"ok"}\n'
        assert run.ask("/healthz", "HEAD")[2] == b""
        with monkeypatch.context() as patch:
            patch.setattr("device.pipeline.history.STALE_AFTER_S", 0.0)
            run.scene.there.clear()
            answers = []
            run.until(lambda: answers.append(run.ask("/healthz")) or answers[-1][0] == 503)
        sick = json.loads(answers[-1][2])
        assert sick["status"] == "failing"
        assert sick["reason"].startswith("no frame for")
        run.scene.there.set()
        run.until(lambda: run.ask("/healthz")[0] == 200)


def test_health_before_the_first_frame_says_so(bundle_dir):
    with visit(bundle_dir, there=False) as run:
        status, _, content = run.ask("/healthz")
        assert status == 503
        assert json.loads(content)["reason"].startswith("no frame yet")


def test_snapshot_is_the_annotated_picture(run):
    status, answer, jpeg = run.ask("/snapshot.jpg")
    assert (status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (240, 320, 3)


def test_events_are_lines_of_the_log_settings_and_seconds(run):
    with run.events() as events:
        seen = {}
        for kind, content in events:
            seen[kind] = content
            if len(seen) == 3 and seen["second"]["fps"]:  # one without a frame has none
                break
    assert seen["settings"] == {
        "threshold": 0.5, "classes": [], "variant": "int8", "switching_to": None,
        "paused": False,
    }  # fmt: skip
    assert [item["label"] for item in seen["frame"]["detections"]] == ["cat"]
    assert {"frame", "time", "timings_ms", "frame_age_ms", "fps"} <= set(seen["frame"])
    assert seen["second"]["fps"] > 0
    assert seen["second"]["ailment"] is None
    assert seen["second"]["viewers"] == 1


def test_events_alone_have_nothing_drawn_or_encoded(run):
    encoded = run.encoded()
    with run.events() as events:
        frames = (content for kind, content in events if kind == "frame")
        for _ in range(5):
            assert next(frames)["detections"]
    assert run.encoded() == encoded


def test_metrics_are_for_prometheus(run):
    status, answer, text = run.ask("/metrics")
    assert status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert b"\nliteberry_up 1.0\n" in text


def until_event(events, wanted):
    for kind, content in events:
        if wanted(kind, content):
            return content
    return None


def test_threshold_acts_on_the_events_that_follow(run):
    with run.events() as events:
        assert run.change({"threshold": 1.0})[0] == 200
        assert until_event(events, lambda kind, news: kind == "settings" and news["threshold"] == 1)
        assert until_event(events, lambda kind, news: kind == "frame" and not news["detections"])
        assert run.change({"threshold": 0.4})[1]["threshold"] == 0.4
        assert until_event(events, lambda kind, news: kind == "frame" and news["detections"])


def test_classes_act_on_the_events_that_follow(run):
    with run.events() as events:
        assert run.change({"classes": ["person"]})[1]["classes"] == ["person"]
        assert until_event(events, lambda kind, news: kind == "frame" and not news["detections"])
        run.scene.shows = "person"
        found = until_event(events, lambda kind, news: kind == "frame" and news["detections"])
        assert {item["label"] for item in found["detections"]} == {"person"}


def test_variant_switches_while_frames_go_on(run):
    with run.events() as events:
        status, settings = run.change({"variant": "float32"})
        assert (status, settings["variant"], settings["switching_to"]) == (200, "float32", None)
        said = [
            until_event(events, lambda kind, _: kind == "settings")["switching_to"]
            for _ in range(3)
        ]
    assert said == [None, "float32", None]
    assert run.pipeline.engine.variant == "float32"
    frames = run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > frames + 5)


def test_variant_that_fails_is_reported_and_the_old_one_goes_on(bundle_copy):
    with visit(bundle_copy.folder) as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        run.pipeline.engine.variant = "another"  # so that int8 is to be loaded
        (bundle_copy.folder / "int8.tflite").write_bytes(b"damaged")
        status, content = run.change({"variant": "int8"})
        assert status == 500
        assert "is damaged" in content["error"]
        assert json.loads(run.ask("/settings")[2])["switching_to"] is None
        frames = run.pipeline.rate.stamps
        run.until(lambda: run.pipeline.rate.stamps > frames + 5)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"threshold": 0}, "Expected `float` > 0.0 - at `$.threshold`"),
        ({"threshold": 1.5}, "Expected `float` <= 1.0 - at `$.threshold`"),
        ({"threshold": "much"}, "Expected `float`, got `str` - at `$.threshold`"),
        ({"variant": "int4"}, "no variant 'int4'; there are: float32, float16, dynamic, int8"),
        ({"classes": ["catt"]}, "the model knows no class 'catt': did you mean cat"),
        ({"speed": 1}, "Object contains unknown field `speed`"),
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"\xff\xfe", "JSON is malformed"),
        (b"[" * 10_000, "Expected `object`, got `array`"),
    ],
)
def test_setting_that_cannot_be_meant_is_refused_and_nothing_changes(run, body, says):
    status, content = run.change(body)
    assert status == 400
    assert says in content["error"]
    if "Expected" in says:
        assert "threshold (above 0, at most 1)" in content["error"]
    assert json.loads(run.ask("/settings")[2])["threshold"] == 0.5
    assert run.ask("/snapshot.jpg")[0] == 200


@pytest.mark.parametrize("path", ["/", "/page.css", "/healthz"])
def test_head_is_answered_like_get_without_the_content(run, path):
    status, answer, content = run.ask(path, "HEAD")
    assert (status, content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(run.ask(path)[2])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_method_that_an_address_does_not_have_is_refused(run, method):
    assert run.ask("/snapshot.jpg", method)[0] == 405


def test_websocket_that_talks_nonsense_is_hung_up(run):
    with WebSocket(run.host) as watching:
        watching.say("give me all")
        assert watching.goodbye() == 1008  # against the rules
    with WebSocket(run.host) as watching:
        watching.say("x" * 50_000)
        assert watching.goodbye() == 1009  # too big


def test_missing_token_shows_where_to_type_it(locked):
    status, answer, page = locked.ask("/")
    assert (status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b'<input name="token"' in page
    assert locked.ask("/page.css")[0] == 200
    assert locked.ask("/locked.js")[0] == 200
