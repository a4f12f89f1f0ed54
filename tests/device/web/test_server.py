"""The live page's server, asked by programs."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import cv2
import numpy as np
import pytest

from device.drawing import class_colour
from device.errors import SinkError, UsageError
from device.web.address import Address
from device.web.server import LivePage
from tests.helpers.live_page import WebSocket, visit


@pytest.fixture(autouse=True, scope="module")
def no_token():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LITEBERRY_TOKEN", raising=False)
        yield


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def standing(bundle_dir, no_token):
    with visit(bundle_dir) as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        yield run


@pytest.fixture
def run(standing):
    """A run as if it had just begun: starting one for each test would take its time."""
    yield standing
    standing.scene.shows = "cat"
    standing.change({"threshold": 0.5, "classes": [], "variant": "int8"})
    standing.until(lambda: not standing.page.feed.audience.viewers)


@pytest.fixture(scope="module")
def locked(bundle_dir, no_token):
    with visit(bundle_dir, token="open-sesame") as run:
        yield run


# --- what it answers ----------------------------------------------------------------------


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


def test_every_answer_forbids_what_the_page_does_not_need(run):
    for path in ("/", "/page.js", "/healthz", "/settings", "/nothing"):
        headers = run.ask(path)[1].headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "liteberry"


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
    monkeypatch.setattr("device.pipeline.history.STALE_AFTER_S", 0.3)
    with visit(bundle_dir) as run:
        run.until(lambda: run.ask("/healthz")[0] == 200)
        assert run.ask("/healthz")[2] == b'{"status":"ok"}\n'
        assert run.ask("/healthz", "HEAD")[2] == b""
        run.scene.there.clear()
        run.until(lambda: run.ask("/healthz")[0] == 503)
        sick = json.loads(run.ask("/healthz")[2])
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


def test_snapshot_of_a_lost_camera_is_refused_with_the_reason(bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.handlers.SNAPSHOT_TIMEOUT_S", 0.2)
    with visit(bundle_dir, there=False) as run:
        status, _, content = run.ask("/snapshot.jpg")
        assert status == 503
        assert json.loads(content)["error"].startswith("no frame yet")


def test_events_are_lines_of_the_log_settings_and_seconds(run):
    with run.events() as events:
        seen = {}
        for kind, content in events:
            seen[kind] = content
            if len(seen) == 3:
                break
    assert seen["settings"] == {
        "threshold": 0.5, "classes": [], "variant": "int8", "switching_to": None,
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


def test_passwords_of_a_camera_are_not_shown(run):
    with WebSocket(run.host) as watching:
        hello = watching.text()["hello"]
    assert hello["source"] == "rtsp://***@camera/stream"
    assert b"secret" not in run.ask("/metrics")[2]


# --- pictures -----------------------------------------------------------------------------


def test_nothing_is_drawn_or_encoded_with_nobody_watching(run):
    done = run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > done + 5)  # the last for an earlier viewer
    encoded = run.encoded()
    run.until(lambda: run.pipeline.rate.stamps > done + 25)
    assert not run.page.feed.needs_image()
    assert run.encoded() == encoded


def test_picture_is_encoded_once_for_all(run):
    with contextlib.ExitStack() as stack:
        watching = [stack.enter_context(WebSocket(run.host)) for _ in range(6)]
        before = run.encoded()
        seen = [viewer.image() for _ in range(5) for viewer in watching]
        encoded = run.encoded() - before
    images = {frame["record"]["frame"]: jpeg for frame, jpeg in seen}
    assert all(images[frame["record"]["frame"]] == jpeg for frame, jpeg in seen)
    assert encoded < len(seen) / 2


def test_pictures_come_no_faster_than_allowed(bundle_dir):
    with visit(bundle_dir, fps=5) as run, WebSocket(run.host) as watching:
        stamps = [watching.image()[0]["record"]["finished_at_s"] for _ in range(6)]
    assert stamps[-1] - stamps[0] >= 4 / 5


def test_picture_has_the_boxes_of_its_record(run):
    run.scene.shows = "motorcycle"
    seen = run.pipeline.frames_with["motorcycle"]
    run.until(lambda: run.pipeline.frames_with["motorcycle"] > seen + 3)
    with WebSocket(run.host) as watching:
        frame, jpeg = watching.image()
    assert frame["size_wh"] == [320, 240]
    (found,) = frame["record"]["detections"]
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)
    x_min, _, x_max, y_max = (round(side) for side in found["box"])
    colour = class_colour(found["class_id"])
    lower_side, above = (
        np.abs(np.median(image[row, x_min + 20 : x_max - 20], axis=0) - colour).max()
        for row in (y_max, y_max - 8)
    )
    assert lower_side < 0.7 * above


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
        assert run.encoded() == encoded


def test_viewers_beyond_the_limit_are_refused(run, monkeypatch):
    monkeypatch.setattr("device.web.handlers.MAX_VIEWERS", 2)
    with WebSocket(run.host), WebSocket(run.host) as second:
        second.image()
        status, _, content = run.ask("/events")
        assert (status, json.loads(content)["error"]) == (503, "2 watch already")
    run.until(lambda: run.ask("/snapshot.jpg")[0] == 200)


def test_connections_beyond_the_limit_are_closed(bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.server.MAX_CONNECTIONS", 3)
    with visit(bundle_dir) as run, contextlib.ExitStack() as stack:
        host, _, port = run.host.partition(":")
        lines = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            for _ in range(4)
        ]
        assert lines[3].recv(1) == b""
        lines[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lines[0].recv(8) == b"HTTP/1.1"


# --- changes ------------------------------------------------------------------------------


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


# --- bad input ----------------------------------------------------------------------------


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


@pytest.mark.parametrize("size", [20_000, 5_000_000])
def test_oversized_body_is_refused(run, size):
    status, content = run.change(b" " * size)
    assert (status, content["error"]) == (413, "send no more than 16384 bytes")


def test_body_announced_as_huge_is_refused_before_it_is_sent(run):
    host, _, port = run.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(
            b"POST /settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
        )
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"send no more than 16384 bytes" in answer


def test_body_that_is_not_called_json_is_refused(run):
    status, content = run.change({"threshold": 0.4}, Content_Type="text/plain")
    assert (status, content["error"]) == (415, "send Content-Type: application/json")


@pytest.mark.parametrize("path", ["/", "/page.css", "/healthz"])
def test_head_is_answered_like_get_without_the_content(run, path):
    status, answer, content = run.ask(path, "HEAD")
    assert (status, content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(run.ask(path)[2])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_method_that_an_address_does_not_have_is_refused(run, method):
    assert run.ask("/snapshot.jpg", method)[0] == 405


@pytest.mark.parametrize(
    "request_text",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /settings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # somebody tries https
    ],
)
def test_malformed_request_is_turned_away_and_the_run_goes_on(run, request_text, capfd):
    host, _, port = run.host.partition(":")
    answer = b""
    with (
        socket.create_connection((host, int(port)), timeout=10) as line,
        contextlib.suppress(OSError),  # it may be gone before all is said
    ):
        line.sendall(request_text)
        line.shutdown(socket.SHUT_WR)
        while part := line.recv(4096):
            answer += part
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    frames = run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > frames + 2)
    assert run.ask("/healthz")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_websocket_that_talks_nonsense_is_hung_up(run):
    with WebSocket(run.host) as watching:
        watching.say("give me all")
        assert watching.goodbye() == 1008  # against the rules
    with WebSocket(run.host) as watching:
        watching.say("x" * 50_000)
        assert watching.goodbye() == 1009  # too big


# --- who may ------------------------------------------------------------------------------


def test_other_names_for_this_machine_are_refused_without_a_token(run):
    status, _, content = run.ask("/settings", Host="evil.example")
    assert status == 403
    assert "evil.example is not a name of this server" in json.loads(content)["error"]
    assert run.ask("/settings", Host="localhost:1")[0] == 200


def test_requests_of_other_sites_are_refused(run):
    status, content = run.change({"threshold": 0.4}, Origin="http://evil.example")
    assert (status, content["error"]) == (403, "requests from pages of other sites are refused")
    assert run.change({"threshold": 0.4}, Origin=f"http://{run.host}")[0] == 200
    with contextlib.closing(WebSocket(run.host, origin="http://evil.example")) as refused:
        assert refused.status == 403


@pytest.mark.parametrize(
    "path", ["/", "/settings", "/metrics", "/events", "/snapshot.jpg", "/live", "/nothing"]
)
def test_token_is_needed_for_all_that_tells_of_the_run(locked, path):
    assert locked.ask(path)[0] == 401
    assert locked.ask(f"{path}?token=wrong")[0] == 401
    assert locked.ask(path, Authorization="Bearer wrong")[0] == 401


def test_link_opens_and_leaves_a_cookie_that_opens(locked):
    assert locked.link == f"http://{locked.host}/?token=open-sesame"
    status, answer, _ = locked.ask("/?token=open-sesame")
    assert status == 200
    cookie = answer.headers["Set-Cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert "open-sesame" not in cookie
    assert locked.ask("/settings", Cookie=cookie.partition(";")[0])[0] == 200
    assert locked.ask("/settings", Authorization="Bearer open-sesame")[0] == 200


def test_missing_token_shows_where_to_type_it(locked):
    status, answer, page = locked.ask("/")
    assert (status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b'<input name="token"' in page
    assert locked.ask("/page.css")[0] == 200
    assert locked.ask("/locked.js")[0] == 200


def test_health_is_told_without_a_token(locked):
    locked.until(lambda: locked.ask("/healthz")[0] == 200)


def test_token_is_made_where_others_can_come_and_stays(tmp_path):
    with LivePage(Address("0.0.0.0", 0), None, 10) as page:
        link = page.link
    kept = (tmp_path / "state" / "liteberry" / "token").read_text().strip()
    assert link.endswith(f"/?token={kept}")
    with LivePage(Address("0.0.0.0", 0), None, 10) as page:
        assert page.link.endswith(f"/?token={kept}")
    with LivePage(Address("127.0.0.1", 0), None, 10) as page:
        assert page.link.endswith("/")


def test_token_of_the_environment_is_asked_for_on_loopback_too(monkeypatch):
    monkeypatch.setenv("LITEBERRY_TOKEN", "a&b")
    with LivePage(Address("127.0.0.1", 0), None, 10) as page:
        assert page.link.endswith("/?token=a%26b")


def test_token_that_cannot_be_sent_is_refused_before_the_port_is_taken():
    with pytest.raises(UsageError, match="a token is"):
        LivePage(Address("127.0.0.1", 0), "two words", 10)


# --- beginning and end --------------------------------------------------------------------


def test_port_is_given_back_and_no_thread_is_left(bundle_dir):
    before = set(threading.enumerate())
    with visit(bundle_dir) as run, WebSocket(run.host) as watching:
        watching.image()
        with pytest.raises(SinkError, match="another program has this port"):
            LivePage(Address("127.0.0.1", int(run.host.partition(":")[2])), None, 10)
        port = int(run.host.partition(":")[2])
    end_s = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < end_s:
        time.sleep(0.02)
    assert set(threading.enumerate()) <= before
    with LivePage(Address("127.0.0.1", port), None, 10):
        pass


def test_page_that_never_started_closes(bundle_dir):
    page = LivePage(Address("127.0.0.1", 0), None, 10)
    page.close()
    page.close()
