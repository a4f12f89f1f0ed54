from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cameras.base import CameraOptions
from device.cameras.mjpeg import MultipartStream
from device.cameras.open import open_camera
from device.errors import SourceError
from tests.helpers.network_cameras import PASSWORD, USER, MjpegServer, encode_jpeg
from tests.helpers.scene import LAYOUT, corners, layout

DEFAULTS = CameraOptions()
QUICK = CameraOptions(frozen_s=0.5)


def ignore(_: str) -> None:
    """Progress is not what is tested."""


def stream(contents: list[bytes], *, boundary: str = "--frame", with_length: bool) -> io.BytesIO:
    lengths = [f"Content-Length: {len(content)}\r\n" * with_length for content in contents]
    return io.BytesIO(
        b"".join(
            f"{boundary}\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + content + b"\r\n"
            for content, length in zip(contents, lengths, strict=True)
        )
        + boundary.encode()
    )


@pytest.mark.parametrize("with_length", [True, False], ids=["length", "no-length"])
@given(contents=st.lists(st.binary(min_size=1).filter(lambda data: b"--" not in data)))
def test_parts_come_out_as_they_went_in(with_length, contents):
    parts = MultipartStream(stream(contents, with_length=with_length), "frame")
    for content in contents:
        got = parts.next()
        assert got == content if with_length else got.removesuffix(b"\r\n") == content
    with pytest.raises(EOFError):
        parts.next()


@pytest.mark.parametrize("named", ["frame", "--frame"])
@pytest.mark.parametrize("sent", ["--frame", "----frame"])
def test_boundary_is_known_whether_its_dashes_were_counted_or_not(named, sent):
    parts = MultipartStream(stream([b"one", b"two"], boundary=sent, with_length=False), named)
    assert [parts.next(), parts.next()] == [b"one\r\n", b"two\r\n"]


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda data: b"--frame\r\n" + data))
def test_rubbish_gives_an_error_that_is_caught_or_a_part(data):
    parts = MultipartStream(io.BytesIO(data), "frame")
    with pytest.raises((EOFError, ValueError, http.client.HTTPException)):
        while True:
            parts.next()


@pytest.mark.parametrize("length", ["-1", "many", "99999999999"])
def test_length_that_cannot_be_is_an_error(length):
    data = f"--frame\r\nContent-Length: {length}\r\n\r\nx".encode()
    with pytest.raises(ValueError, match=r"bytes|invalid literal"):
        MultipartStream(io.BytesIO(data), "frame").next()


def test_picture_without_end_is_an_error(monkeypatch):
    monkeypatch.setattr("device.cameras.mjpeg.MAX_IMAGE", 1000)
    data = io.BytesIO(b"--frame\r\n\r\n" + b"x\n" * 2000)
    with pytest.raises(ValueError, match="without end"):
        MultipartStream(data, "frame").next()


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        yield server


def error_of(url: str, options: CameraOptions = DEFAULTS) -> str:
    """What is said of an address that cannot be opened, and everything said before it."""
    said: list[str] = []
    with pytest.raises(SourceError) as caught:
        open_camera(url, [], said.append, options).close()
    return "\n".join([*said, str(caught.value)])


def test_size_may_change_in_the_middle(server):
    server.scene = lambda number: corners(number, (160, 120) if number % 10 < 5 else (64, 96))
    sizes = set()
    with open_camera(server.url, [], ignore) as camera:
        for frame in camera.frames(limit=30):
            assert (layout(frame.pixels) == LAYOUT).all()
            sizes.add(frame.size_wh)
    assert sizes == {(160, 120), (64, 96)}


def test_parts_need_not_say_their_length(server):
    server.says_length = False
    with open_camera(server.url, [], ignore) as camera:
        assert all((layout(frame.pixels) == LAYOUT).all() for frame in camera.frames(limit=5))


def test_damaged_pictures_are_passed_over(server):
    def encode(pixels: np.ndarray) -> bytes:
        good = encode_jpeg(pixels)
        return b"not a picture" if pixels[-1, -1, 0] % 2 else good

    server.encode = encode
    server.scene = lambda number: np.full((48, 64, 3), number % 250, np.uint8)
    with open_camera(server.url, [], ignore) as camera:
        shades = [round(frame.pixels.mean()) for frame in camera.frames(limit=10)]
    assert all(shade % 2 == 0 for shade in shades)


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_user_and_password_let_in(server, auth):
    server.auth = auth
    with open_camera(server.url_with(USER, PASSWORD), [], ignore) as camera:
        assert next(camera.frames()).name == server.url.replace("//", "//***@")


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_wrong_password_and_none_are_told_of_and_never_shown(server, auth):
    server.auth = auth
    said = error_of(server.url_with(USER, "wr0ng"))
    assert "answers 401, user name or password are missing or wrong" in said
    assert "wr0ng" not in said
    assert USER not in said
    assert server.refusals == 2, "guessing locks people out"
    assert "answers 401, user name or password are missing" in error_of(server.url)


def test_path_that_is_not_there_is_an_error(server):
    server.path = "/elsewhere"
    assert "answers 404, it has nothing at this path" in error_of(server.url)


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "video/mp4"])
def test_something_else_than_a_stream_of_jpegs_is_an_error(server, content_type):
    server.content_type = content_type
    assert f"sends {content_type}, neither a stream of JPEGs" in error_of(server.url)


def test_server_that_is_not_there_is_an_error(server):
    server.stop()
    assert error_of(server.url).endswith(": Connection refused")
    assert "connecting to http://127.0.0.1" in error_of(server.url)


def test_host_that_has_no_address_is_an_error():
    assert "not known" in error_of("http://nowhere.invalid/stream")


def test_server_that_never_answers_is_an_error(server):
    server.never_answers = True
    assert error_of(server.url, QUICK).endswith(": no answer within 0.5 s")


def test_server_that_speaks_something_else_is_an_error(monkeypatch, server):
    monkeypatch.setattr(
        server.handler, "do_GET", lambda self: self.wfile.write(b"\0\1\2 hello\r\n")
    )
    assert error_of(server.url).endswith("/stream: what answers there does not speak HTTP")


def test_stream_that_goes_silent_is_lost_and_found(server):
    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        server.silent.clear()

    with open_camera(server.url, [], warn, QUICK) as camera:
        frames = camera.frames()
        next(frames)
        server.silent.set()
        assert next(frame for frame in frames if "back after" in said[-1])
    assert said[1] == f"lost {server.url}: no picture for 0.5 s; trying again until it is back"


def test_detect_logs_the_address_without_the_password(device, small_bundle, tmp_path, server):
    server.auth = "Basic"
    url = server.url_with(USER, PASSWORD)
    log = tmp_path / "log.jsonl"
    ran = device("detect", small_bundle, "--source", url, "--frames", 3, "--log", log)
    assert ran.code == 0, ran.err
    assert PASSWORD not in ran.out + ran.err + log.read_text()
    sources = [json.loads(line)["source"] for line in log.read_text().splitlines()]
    assert sources == [server.url.replace("//", "//***@")] * 3


def test_pictures_of_too_many_pixels_end_the_stream(server, monkeypatch):
    monkeypatch.setattr("device.images.MAX_PIXELS", 160 * 120 - 1)
    with (
        open_camera(server.url, [], ignore) as camera,
        pytest.raises(SourceError, match="160x120 pixels, at most"),
    ):
        next(camera.frames())


def test_address_of_one_picture_is_asked_again_and_again(server, monkeypatch):
    monkeypatch.setattr("device.cameras.mjpeg.SNAPSHOT_INTERVAL_S", 0.01)
    server.content_type, server.auth = "image/jpeg", "Digest"
    with open_camera(server.url_with(USER, PASSWORD), [], ignore) as camera:
        for frame in camera.frames(limit=4):
            assert (layout(frame.pixels) == LAYOUT).all()
    assert server.sent == 4


def test_stop_ends_the_wait_for_the_next_picture_of_an_address(server, monkeypatch):
    monkeypatch.setattr("device.cameras.mjpeg.SNAPSHOT_INTERVAL_S", 1000.0)
    server.content_type = "image/jpeg"
    stop = threading.Event()
    with open_camera(server.url, [], ignore) as camera:
        frames = camera.frames(stop=stop)
        next(frames)
        threading.Timer(0.1, stop.set).start()
        assert list(frames) == []
