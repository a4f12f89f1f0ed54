import socket
import types

import pytest

from device.outputs import systemd as module
from device.outputs.systemd import Watchdog
from tests.helpers.children import PATIENCE_S


def outcome(fps=12.34, rss_mb=84.6):
    return types.SimpleNamespace(fps=fps, rss_mb=rss_mb)


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """A socket as systemd opens it, and its name."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(PATIENCE_S)
    if request.param == "path":
        address = str(tmp_path / "notify")
        listener.bind(address)
    else:
        address = f"@liteberry-test-{tmp_path.name}"
        listener.bind("\0" + address[1:])
    yield listener, address
    listener.close()


def test_first_frame_is_ready_and_later_ones_are_alive(systemd, monkeypatch):
    now_s = [100.0]
    listener, address = systemd
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])
    with Watchdog(address) as watchdog:
        for _ in range(3):
            watchdog.write(outcome())
        now_s[0] += 1.1
        watchdog.write(outcome(fps=9))
    said = [listener.recv(200).decode() for _ in range(3)]
    assert said == [
        "READY=1\nWATCHDOG=1\nSTATUS=12.3 FPS, 85 MB",
        "WATCHDOG=1\nSTATUS=9.0 FPS, 85 MB",
        "STOPPING=1",
    ]
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(200)


def test_wait_for_a_lost_camera_is_a_sign_of_life(systemd):
    listener, address = systemd
    with Watchdog(address) as watchdog:
        watchdog.write(outcome())
        listener.recv(200)
        watchdog.wait()
        assert listener.recv(200) == b"WATCHDOG=1\nSTATUS=waiting for the camera to come back"


def test_service_whose_camera_is_off_when_it_starts_is_ready_all_the_same(systemd):
    listener, address = systemd
    with Watchdog(address) as watchdog:
        watchdog.wait()
        watchdog.wait()
        watchdog.write(outcome())
    said = [listener.recv(200).decode() for _ in range(3)]
    assert said == [
        "READY=1\nWATCHDOG=1\nSTATUS=waiting for the camera to come back",
        "WATCHDOG=1\nSTATUS=waiting for the camera to come back",
        "WATCHDOG=1\nSTATUS=12.3 FPS, 85 MB",
    ]


def test_systemd_that_went_away_does_not_end_the_run(tmp_path):
    with Watchdog(str(tmp_path / "gone")) as watchdog:
        watchdog.write(outcome())


def test_lost_camera_leaves_the_word_to_one_that_has_frames(systemd, monkeypatch):
    now_s = [100.0]
    listener, address = systemd
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])
    with Watchdog(address) as watchdog:
        watchdog.is_shared = True
        watchdog.wait()  # none has frames yet
        watchdog.write(outcome(fps=9))
        watchdog.wait()  # one has
        now_s[0] += module.INTERVAL_S + module.SHARED_S
        watchdog.wait()  # none has any more
    said = [listener.recv(200).decode().partition("STATUS=")[2] for _ in range(3)]
    assert said == [module.WAITING, "9.0 FPS, 85 MB", module.WAITING]
