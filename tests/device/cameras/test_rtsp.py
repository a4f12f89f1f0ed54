from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from device.cameras.base import CameraOptions
from device.cameras.open import open_camera
from device.cameras.rtsp import MOST_REDIRECTS
from device.errors import SourceError
from tests.conftest import ROOT
from tests.helpers.network_cameras import PASSWORD, USER, RtspServer


def ignore(_: str) -> None:
    """Progress is not what is tested."""


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with RtspServer() as server:
        yield server


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr("device.cameras.rtsp.OPEN_TIMEOUT_S", 0.7)


def error_of(url: str) -> str:
    """What is said of an address that cannot be opened, and everything said before it."""
    said: list[str] = []
    with pytest.raises(SourceError) as caught:
        open_camera(url, [], said.append).close()
    return "\n".join([*said, str(caught.value)])


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_user_and_password_let_in(server, auth):
    server.auth = auth
    with open_camera(server.url_with(USER, PASSWORD), [], ignore) as camera:
        assert next(camera.frames()).name == server.url.replace("//", "//***@")


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
@pytest.mark.parametrize("redirect_at", ["OPTIONS", "DESCRIBE", "AUTHORIZED", "SETUP"])
def test_user_and_password_do_not_follow_to_another_server(server, auth, redirect_at):
    with RtspServer() as other:
        other.auth, server.auth = auth, "Digest"
        server.redirect_to, server.redirect_at = other.url, redirect_at
        said = error_of(server.url_with(USER, PASSWORD))
        assert other.asked_for == [], "FFmpeg would tell it user and password"
    assert f"leads to {other.url}, which is not told user and password" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_user_and_password_follow_to_another_path_of_the_same_server(server, auth):
    server.auth = auth
    server.redirect_to = f"{server.url.removesuffix('/stream')}/moved/stream"
    with open_camera(server.url_with(USER, PASSWORD), [], ignore) as camera:
        next(camera.frames())
    assert any("/moved/stream" in asked for asked in server.asked_for)


def test_server_that_leads_from_one_address_to_the_next_is_an_error(server):
    server.leads_elsewhere = lambda *_: True
    server.redirect_to = server.url
    assert "leads from one address to the next" in error_of(server.url_with(USER, PASSWORD))
    assert len(server.asked_for) == MOST_REDIRECTS


@pytest.mark.parametrize("auth", ["Basic", "Digest"])
def test_wrong_password_and_none_are_told_of_and_never_shown(server, auth, capfd):
    server.auth = auth
    said = error_of(server.url_with(USER, "wr0ng"))
    assert "user name or password are missing or wrong" in said
    assert "user name or password are missing or wrong" in error_of(server.url)
    assert "wr0ng" not in "".join(server.asked_for), "it travels in a header, and not in clear"
    said += "".join(capfd.readouterr())  # FFmpeg's own words
    assert "wr0ng" not in said
    assert USER not in said


def test_video_is_asked_for_over_tcp(server):
    with open_camera(server.url, [], ignore) as camera:
        next(camera.frames())
    (setup,) = [text for text in server.asked_for if text.startswith("SETUP")]
    assert "rtp/avp/tcp" in setup


def test_path_that_is_not_there_is_an_error(server):
    server.path = "/elsewhere"
    assert "it has no stream at this path" in error_of(server.url)


@pytest.mark.parametrize("auth", [None, "Basic", "Digest"])
def test_stream_of_sound_alone_is_told_as_that(monkeypatch, server, auth):
    monkeypatch.setattr("device.cameras.rtsp.OPEN_TIMEOUT_S", 3.0)
    server.auth, server.sound_alone = auth, True
    url = server.url if auth is None else server.url_with(USER, PASSWORD)
    assert error_of(url).endswith("sends sound and no picture; the camera's manual names the "
                                  "address of its video")  # fmt: skip


def test_server_that_is_not_there_is_an_error(server):
    server.stop()
    assert error_of(server.url) == f"connecting to {server.url}\n{server.url}: Connection refused"


def test_host_that_has_no_address_is_an_error():
    assert "not known" in error_of("rtsp://nowhere.invalid/stream")


@pytest.mark.timeout(25)  # OpenCV would wait for 30
def test_server_that_never_answers_is_an_error(impatient, server):
    server.never_answers = True
    assert error_of(server.url).endswith(": no answer within 0.7 s")


@pytest.mark.timeout(25)
def test_port_on_which_nobody_ever_speaks_is_an_error(impatient):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"rtsp://127.0.0.1:{listening.getsockname()[1]}/stream"
        assert error_of(url).endswith(": no answer within 0.7 s")


def test_server_that_speaks_something_else_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            for _ in range(2):  # FFmpeg, then us
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"220 mail.example ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"rtsp://127.0.0.1:{listening.getsockname()[1]}/stream"
        assert error_of(url).endswith(": what answers there does not speak RTSP")


def test_stream_that_goes_silent_is_lost_and_found(server):
    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        server.silent.clear()

    with open_camera(server.url, [], warn, CameraOptions(frozen_s=0.5)) as camera:
        frames = camera.frames()
        next(frames)
        server.silent.set()
        assert next(frame for frame in frames if "back after" in said[-1])
    assert said[1] == f"lost {server.url}: no picture for 0.5 s; trying again until it is back"


def test_frames_do_not_queue_up_behind_the_newest(server):
    """What waits between the camera and the reader is old when it is read."""
    with open_camera(server.url, [], ignore) as camera:
        for _ in camera.frames(limit=100):  # the first ones waited while the stream was opened
            pass
        frames = camera.frames()

        def is_of_now() -> bool:
            sent_before = server.sent
            shown = round((next(frames).pixels[-5, -5].mean() - 40) / 5)
            return (sent_before - shown + 5) % 40 <= 10

        # Some may be late, on a machine that is busy; a queue would make all of them late.
        assert sum(is_of_now() for _ in range(100)) > 30


def test_detect_in_a_process_of_its_own_says_one_line_of_it_and_no_password(small_bundle, server):
    """Where FFmpeg is started by this source, it says nothing itself."""
    server.stop()
    url = server.url_with(USER, PASSWORD)
    command = [sys.executable, "-m", "device", "detect", str(small_bundle), "--source", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    shown = server.url.replace("//", "//***@")
    assert done.returncode == 1
    assert done.stderr.endswith(f"connecting to {shown}\nerror: {shown}: Connection refused\n")
    assert PASSWORD not in done.stderr


def test_detect_logs_the_address_without_the_password(device, small_bundle, tmp_path, server):
    server.auth = "Digest"
    url = server.url_with(USER, PASSWORD)
    log = tmp_path / "log.jsonl"
    ran = device("detect", small_bundle, "--source", url, "--frames", 3, "--log", log)
    assert ran.code == 0, ran.err
    assert PASSWORD not in ran.out + ran.err + log.read_text()
    sources = [json.loads(line)["source"] for line in log.read_text().splitlines()]
    assert sources == [server.url.replace("//", "//***@")] * 3
