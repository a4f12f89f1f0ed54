from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
import time
from pathlib import Path

import pytest

from device.cameras import v4l2
from device.cameras.base import CameraOptions
from device.cameras.open import open_camera
from device.cameras.v4l2 import V4l2Camera, check_device, list_devices
from device.errors import SourceError
from tests.helpers.colour_bundle import write_colour_bundle
from tests.helpers.device_command import lines_of


def find_test_camera() -> str:
    """The device of vivid, the kernel's driver for a camera that is not there; or nothing."""
    for name in sorted(v4l2.SYSFS.glob("video*/name")):
        if name.read_text().startswith("vivid"):
            return f"/dev/{name.parent.name}"
    return ""


TEST_CAMERA = find_test_camera()
QUERYCTRL, S_CTRL, NEXT_CTRL = 0xC0445624, 0xC008561C, 0x80000000

needs_test_camera = pytest.mark.skipif(
    not TEST_CAMERA, reason="no V4L2 test camera here: `make test-cameras` starts one"
)


def press(device: str, control: str, value: int = 1) -> None:
    """Set one of vivid's controls, by its name."""
    number = os.open(device, os.O_RDWR)
    try:
        found = 0
        name = b""
        while name != control.encode():
            answer = fcntl.ioctl(number, QUERYCTRL, struct.pack("=I64x", found | NEXT_CTRL))
            found, name = struct.unpack_from("=I", answer)[0], answer[8:40].split(b"\0")[0]
        fcntl.ioctl(number, S_CTRL, struct.pack("=Ii", found, value))
    finally:
        os.close(number)


@pytest.fixture
def sysfs(tmp_path, monkeypatch) -> Path:
    for name in ("video10", "video2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(f"Webcam {name}\n")
    monkeypatch.setattr(v4l2, "SYSFS", tmp_path)
    return tmp_path


def test_devices_are_listed_by_number_with_their_names(sysfs):
    assert list_devices() == "/dev/video2 (Webcam video2), /dev/video10 (Webcam video10)"


def test_no_devices_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(v4l2, "SYSFS", tmp_path / "nowhere")
    assert list_devices() == "none"


@pytest.mark.parametrize("source", ["97", "/dev/video97"])
def test_camera_that_is_not_there_names_those_that_are(sysfs, source):
    expected = "/dev/video97: no such camera; there are: /dev/video2 (Webcam video2), /dev/video10"
    with pytest.raises(SourceError, match=re.escape(expected)):
        open_camera(source, [], pytest.fail)


def test_device_that_is_no_camera_is_an_error():
    with pytest.raises(SourceError, match=r"^/dev/null: not a camera \(Inappropriate ioctl"):
        open_camera("/dev/null", [], pytest.fail)


def test_camera_without_permission_names_the_group(tmp_path):
    device = tmp_path / "video0"
    device.touch()
    device.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nobody: root may open anything
    try:
        with pytest.raises(SourceError, match=r"permission denied; .*usermod -aG video"):
            check_device(str(device))
    finally:
        os.seteuid(user)


def answers(monkeypatch, capabilities: tuple[int, int], refusal: int = 0) -> str:
    """Let /dev/null answer as a driver would; that is all that is not the kernel's here."""

    def ioctl(_: int, request: int, argument: bytes) -> bytes:
        if request == v4l2.QUERYCAP:
            return struct.pack("=84x2I12x", *capabilities)
        if refusal:
            raise OSError(refusal, os.strerror(refusal))
        return argument

    monkeypatch.setattr(v4l2.fcntl, "ioctl", ioctl)
    return "/dev/null"


@pytest.mark.parametrize("capabilities", [(0x04200001, 0), (0x84A00001, 0x04200001)])
def test_device_that_captures_is_a_camera(monkeypatch, capabilities):
    check_device(answers(monkeypatch, capabilities))


@pytest.mark.parametrize(
    "capabilities", [(0x84A00001, 0x04A00000), (0x84204000, 0x04204000)], ids=["metadata", "codec"]
)
def test_node_that_gives_no_pictures_is_an_error(monkeypatch, sysfs, capabilities):
    with pytest.raises(SourceError, match=r"gives no pictures; there are: /dev/video2 .*picamera"):
        check_device(answers(monkeypatch, capabilities))


def test_camera_in_use_says_how_to_find_by_whom(monkeypatch):
    device = answers(monkeypatch, (1, 0), errno.EBUSY)
    with pytest.raises(SourceError, match=f"busy, another program has it; .*fuser -v {device}"):
        check_device(device)


@needs_test_camera
class TestWithTheKernelsTestCamera:
    def test_camera_in_use_by_another_is_told_apart(self):
        with V4l2Camera(TEST_CAMERA, CameraOptions(), print) as camera:
            next(camera.frames())
            with pytest.raises(SourceError, match="busy, another program has it"):
                V4l2Camera(TEST_CAMERA, CameraOptions(), print)
        with V4l2Camera(TEST_CAMERA, CameraOptions(), print) as camera:
            assert len(list(camera.frames(limit=2))) == 2

    def test_size_and_rate_are_asked_for_and_what_is_given_is_said(self):
        said: list[str] = []
        options = CameraOptions(size_wh=(320, 180), fps=25)
        with V4l2Camera(TEST_CAMERA, options, said.append) as camera:
            assert next(camera.frames()).size_wh == (320, 180)
            assert camera.fps == 25
        # vivid knows no JPEG.
        assert said == [
            f"{TEST_CAMERA}: asked for 320x180 at 25/s in MJPG, gives 320x180 at 25/s in YUYV"
        ]

    def test_camera_that_has_not_the_size_of_the_other_gives_its_own_and_both_run(
        self, device, tmp_path
    ):
        bundle = write_colour_bundle(tmp_path / "bundle")
        both = ("--source", TEST_CAMERA, "--source", "demo", "--size", "400x300")
        log = tmp_path / "seen.jsonl"
        ran = device("detect", bundle, *both, "--frames", 3, "--log", log)
        assert ran.code == 0, ran.err
        given = re.search(r"asked for 400x300 in MJPG, gives (\d+)x(\d+) at", ran.err)
        assert given is not None, ran.err
        assert given.groups() != ("400", "300")
        for log in tmp_path.glob("seen-*.jsonl"):
            assert len(lines_of(log)) == 3
        assert len(list(tmp_path.glob("seen-*.jsonl"))) == 2

    def test_frame_that_waited_is_as_old_as_the_driver_says(self):
        with V4l2Camera(TEST_CAMERA, CameraOptions(size_wh=(320, 180)), print) as camera:
            frames = camera.frames()
            before_s = next(frames).captured_at_s
            time.sleep(1)
            asked_s = time.monotonic()
            assert before_s < next(frames).captured_at_s < asked_s - 0.5

    def test_silence_is_a_loss_and_one_that_ends_is_survived(self):
        said: list[str] = []

        def warn(text: str) -> None:
            said.append(text)
            if text.startswith("lost"):
                press(TEST_CAMERA, "Percentage of Dropped Buffers", 0)

        options = CameraOptions(size_wh=(320, 180), frozen_s=3)
        with V4l2Camera(TEST_CAMERA, options, warn) as camera:
            frames = camera.frames()
            next(frames)
            press(TEST_CAMERA, "Percentage of Dropped Buffers", 100)
            assert next(frame for frame in frames if "back after" in said[-1])
        assert said[1] == (
            f"lost {TEST_CAMERA}: no new picture for 3 s; trying again until it is back"
        )
