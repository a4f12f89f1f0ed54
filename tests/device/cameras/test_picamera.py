from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from device.cameras.base import CameraOptions
from device.cameras.open import open_camera
from device.cameras.picamera import BUFFERS, PicameraCamera, boot_to_monotonic_s
from device.errors import SourceError
from device.images import read_image
from device.orientation import Orientation
from device.records import Frame
from tests.helpers.scene import LAYOUT, laid_down, layout, shade
from tests.helpers.simulated_picamera import simulated_picamera

if TYPE_CHECKING:
    from tests.stubs.libcamera import Simulation


@pytest.fixture
def platform() -> str:
    return "VC4"


both_platforms = pytest.mark.parametrize("platform", ["VC4", "PISP"])  # of a Pi 4, of a Pi 5


@pytest.fixture
def simulation(platform) -> Iterator[Simulation]:
    with simulated_picamera(platform) as simulation:
        yield simulation


def open_quietly(**options: object) -> PicameraCamera:
    return PicameraCamera(0, CameraOptions(**options), pytest.fail)


@both_platforms
def test_small_picture_comes_with_the_large_one_of_the_same_instant(simulation, platform):
    with open_quietly(lores_wh=(300, 300)) as camera:
        frames = list(camera.frames(limit=8))
    lores = simulation.configured[-1].at(1)
    assert str(lores.pixel_format) == {"VC4": "YUV420", "PISP": "RGB888"}[platform]
    assert lores.stride > 300, "rows are padded, and the padding is not in the picture"
    for frame in frames:
        assert frame.pixels.shape == (480, 640, 3)
        assert frame.lores.shape == (300, 300, 3)
        assert frame.lores.flags.c_contiguous
        assert np.array_equal(layout(frame.pixels), LAYOUT)
        assert np.array_equal(layout(frame.lores), LAYOUT)
        assert shade(frame.lores) == pytest.approx(shade(frame.pixels), abs=2)
    assert len({shade(frame.pixels) for frame in frames}) == len(frames)


@both_platforms
def test_colours_of_the_small_picture_are_those_of_the_large_one(simulation):
    colours = np.array([[[b, g, r] for r in (20, 128, 240) for g in (20, 240)] for b in (20, 240)])
    simulation.scene = lambda _: np.kron(colours, np.ones((60, 40, 1))).astype(np.uint8)
    with open_quietly(size_wh=(480, 240), lores_wh=(240, 120), frozen_s=0) as camera:
        frame = next(camera.frames())
    difference = np.abs(frame.lores[30::60, 20::40].astype(int) - frame.pixels[60::120, 40::80])
    assert difference.max() <= 4  # what limited range and chroma cost


@both_platforms
def test_neither_stream_is_larger_than_asked_and_sizes_are_even(simulation):
    with open_quietly(size_wh=(321, 241), lores_wh=(225, 161)) as camera:
        frame = next(camera.frames())
    assert frame.size_wh == (320, 240)
    assert frame.lores.shape == (160, 224, 3)


@pytest.mark.parametrize("lores_wh", [None, (322, 200), (200, 242)])
def test_no_small_picture_where_none_is_asked_for_or_it_would_be_larger(simulation, lores_wh):
    with open_quietly(size_wh=(320, 240), lores_wh=lores_wh) as camera:
        assert next(camera.frames()).lores is None


@pytest.mark.parametrize(
    ("rotate", "flip"),
    [(0, "vertical"), (90, None), (90, "horizontal"), (180, None), (270, None), (270, "both")],
)
def test_sensor_mirrors_and_both_pictures_are_laid_down_alike(simulation, rotate, flip):
    with open_quietly(rotate=rotate, flip=flip, lores_wh=(200, 100)) as camera:
        frame = next(camera.frames())
        left = camera.orientation
    expected = laid_down(LAYOUT, rotate, flip)
    assert np.array_equal(layout(frame.pixels), expected)
    assert np.array_equal(layout(frame.lores), expected)
    assert frame.lores.shape == (100, 200, 3), "the network's input, whichever way up"
    assert left == Orientation(transpose=left.transpose), "the sensor mirrors at no cost"


def test_few_buffers_are_taken_and_all_are_given_back(simulation):
    with open_quietly() as camera:
        assert len(list(camera.frames(limit=5 * BUFFERS))) == 5 * BUFFERS
        assert {stream.buffer_count for stream in simulation.configured[-1]} == {BUFFERS}
        assert len(list(simulation.configured[-1])) == 1, "no raw pictures, which nobody looks at"


def test_rate_is_asked_for(simulation):
    with open_quietly(fps=12.5) as camera:
        assert simulation.controls["FrameDurationLimits"] == (80_000, 80_000)
        assert camera.fps == 12.5


def test_time_of_a_frame_is_that_of_its_exposure(simulation):
    simulation.age_s = 1000.0
    began_s = time.monotonic()  # the camera may take its first frame as soon as it is open
    with open_quietly() as camera:
        captured_at_s = next(camera.frames()).captured_at_s
        assert began_s - 1000 <= captured_at_s <= time.monotonic() - 1000


def test_boot_time_without_sleep_is_monotonic_time(monkeypatch):
    monkeypatch.setattr(time, "clock_gettime", lambda clock: {time.CLOCK_BOOTTIME: 500.0}[clock])
    monkeypatch.setattr(time, "monotonic", lambda: 400.0)  # it slept for 100 seconds
    assert boot_to_monotonic_s(499_750_000_000) == pytest.approx(399.75)


def test_missing_picamera2_says_how_to_install_it(monkeypatch):
    for name in [*sys.modules]:
        if name.split(".")[0] in ("picamera2", "libcamera"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setitem(sys.modules, "libcamera", None)
    with pytest.raises(SourceError, match=r"sudo apt install python3-picamera2, .*site-packages"):
        open_camera("picamera", [], pytest.fail)


@pytest.mark.parametrize(("count", "seen"), [(0, "none"), (1, "imx219")])
def test_camera_that_is_not_there_names_those_that_are(simulation, count, seen):
    simulation.count = count
    expected = f"picamera:1: no such camera; libcamera sees {seen}; is the ribbon in straight"
    with pytest.raises(SourceError, match=expected):
        open_camera("picamera:1", [], pytest.fail)


def test_second_camera_is_chosen_by_its_number(simulation):
    simulation.count = 2
    with open_camera("picamera:1", [], pytest.fail) as camera:
        assert next(camera.frames()).name == "picamera:1"


def test_camera_in_use_says_so_in_one_line(simulation, capfd, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])  # as it is outside pytest
    simulation.busy = True
    held = set(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with pytest.raises(
            SourceError, match=r"^picamera:0: busy, another program has it; .*fuser"
        ):
            open_quietly()
    left = set(Path("/proc/self/fd").iterdir()) - held
    assert len(left) <= 1, "every attempt leaves something open"  # the listing itself is one
    assert capfd.readouterr().err == ""
    simulation.busy = False
    with open_quietly() as camera:
        assert next(camera.frames()).index == 0


def test_missing_permission_names_the_group(simulation, monkeypatch):
    def refuse() -> None:
        raise PermissionError(13, "Permission denied", "/dev/dma_heap/linux,cma")

    monkeypatch.setattr("picamera2.dma_heap.DmaHeap", refuse)
    with pytest.raises(SourceError, match=r"permission denied \(/dev/dma_heap.*usermod -aG video"):
        open_quietly()


def test_usb_camera_is_sent_to_where_it_belongs(simulation):
    simulation.formats = ("MJPEG",)
    with pytest.raises(SourceError, match=r"imx219 gives MJPEG, not RGB888; USB cameras are --sou"):
        open_quietly()


@pytest.mark.parametrize("fault", ["silent", "frozen"])
def test_camera_that_freezes_is_closed_and_opened_again(simulation, fault):
    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        setattr(simulation, fault, False)

    with PicameraCamera(0, CameraOptions(frozen_s=0.3), warn) as camera:
        frames = camera.frames()
        next(frames)
        configured = len(simulation.configured)
        setattr(simulation, fault, True)
        assert next(frame for frame in frames if said and "back after" in said[-1])
    assert said[0] == "lost picamera:0: no new picture for 0.3 s; trying again until it is back"
    assert len(simulation.configured) > configured


def test_detect_finds_on_the_small_picture_and_tells_places_in_the_large_one(
    device, engine, small_bundle, simulation, tmp_path
):
    cat = read_image(small_bundle / "samples" / "cat.jpg")
    view = cv2.resize(cat, (640, 480), interpolation=cv2.INTER_NEAREST)
    (expected,) = engine.run(Frame(view, 0, 0.0)).detections
    # Noise, which a sensor has: a picture that stays the same is a camera that froze.
    simulation.scene = lambda number: np.where(cat > 250, cat - number % 2, cat)
    log = tmp_path / "log.jsonl"
    ran = device("detect", small_bundle, "--source", "picamera", "--frames", 3, "--log", log)
    assert ran.code == 0, ran.err
    for line in map(json.loads, log.read_text().splitlines()):
        (found,) = line["detections"]
        assert line["source"] == "picamera:0"
        assert found["label"] == expected.label == "cat"
        assert found["score"] == pytest.approx(expected.score, abs=0.15)
        assert found["box"] == pytest.approx(expected.box, abs=20)
    lores = simulation.configured[-1].at(1)
    assert (lores.size.width, lores.size.height) == (300, 300), "as the network wants it"
