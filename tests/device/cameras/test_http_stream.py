from __future__ import annotations

import threading

import pytest

from device.cameras.base import CameraOptions
from device.cameras.http_stream import Patience, StoppedError, open_stream
from device.cameras.open import open_camera
from device.cameras.url import CameraUrl
from device.errors import SourceError
from tests.helpers.network_cameras import PASSWORD, USER, MjpegServer


@pytest.fixture
def server():
    with MjpegServer() as server:
        yield server


@pytest.fixture
def other():
    with MjpegServer() as server:
        yield server


def ignore(_: str) -> None:
    """Progress is not what is tested."""


@pytest.mark.parametrize("fault", ["floods", "drips"])
def test_picture_that_never_becomes_whole_is_an_error(server, fault, monkeypatch):
    setattr(server, fault, True)
    with open_camera(server.url, [], ignore) as camera:
        monkeypatch.setattr("device.cameras.mjpeg.TIMEOUTS", 0.1)
        with pytest.raises(SourceError, match=r"no whole picture within 0\.5 s"):
            next(camera.frames())


def test_bytes_without_a_boundary_are_bounded(server, monkeypatch):
    monkeypatch.setattr("device.cameras.mjpeg.MAX_IMAGE", 20_000)
    server.floods = True
    with (
        open_camera(server.url, [], ignore) as camera,
        pytest.raises(SourceError, match="no boundary between pictures"),
    ):
        next(camera.frames())


@pytest.mark.parametrize("fault", ["floods", "drips", "silent"])
def test_stop_ends_a_picture_that_is_waited_for(server, fault):
    server.silent.set() if fault == "silent" else setattr(server, fault, True)
    stop = threading.Event()
    with open_camera(server.url, [], ignore, CameraOptions(frozen_s=0), stop) as camera:
        threading.Timer(0.2, stop.set).start()
        assert list(camera.frames(stop=stop)) == []


def test_stop_ends_a_server_that_is_waited_for(server):
    server.never_answers = True
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with open_camera(server.url, [], ignore, CameraOptions(frozen_s=0), stop) as camera:
        assert list(camera.frames(stop=stop)) == []


def test_patience_ends_with_a_stop_a_silence_or_the_deadline(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("device.cameras.http_stream.time.monotonic", lambda: now_s[0])
    stop = threading.Event()
    patience = Patience(5.0, stop.is_set)
    patience.begin(7.0)
    assert patience.left_s(100.0) == 5.0
    now_s[0] = 104.0
    assert patience.left_s(103.0) == 3.0
    now_s[0] = 105.0
    with pytest.raises(TimeoutError):
        patience.left_s(100.0)
    assert patience.why() == "no picture for 5 s"
    now_s[0] = 107.0
    with pytest.raises(TimeoutError):
        patience.left_s(106.9)
    assert patience.why() == "no whole picture within 7 s"
    stop.set()
    with pytest.raises(StoppedError):
        patience.left_s(107.0)


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_user_and_password_do_not_follow_to_another_server(server, other, auth):
    other.auth = auth
    server.redirect_to = other.url
    with pytest.raises(SourceError) as caught:
        open_camera(server.url_with(USER, PASSWORD), [], ignore)
    assert set(other.authorizations) == {""}
    assert "answers 401, from http://127.0.0.1" in str(caught.value)
    assert "not told user and password" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_user_and_password_follow_to_another_path_of_the_same_server(server, auth):
    server.auth = auth
    server.path = "/stream?moved"
    url = CameraUrl.parse(server.url_with(USER, PASSWORD))
    patience = Patience(5.0, lambda: False)
    patience.begin(5.0)
    with open_stream(url, patience) as response:
        assert response.status == 200


@pytest.mark.parametrize("scheme", ["ftp", "file", "data"])
def test_redirect_to_something_else_than_http_is_refused(server, scheme, tmp_path):
    (tmp_path / "secret").write_text("x")
    server.redirect_to = f"{scheme}://{tmp_path}/secret"
    with pytest.raises(SourceError, match=scheme):
        open_camera(server.url, [], ignore)
