"""QR codes in a terminal: what a camera reads in them, and where none is shown."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from device.web.qr_code import QUIET_ZONE, main, qr_code, show_qr_code
from tests.conftest import ROOT

LINK = "http://raspberrypi.local:8080/?token=Zk3-x_9aQ0bWmT1uVYcEfg"
ESCAPE = re.compile("\x1b\\[[0-9;]*m")
# Upper and lower module, 0 dark and 255 light, as a person sees the block on white.
PIXELS = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}


def modules(code: str) -> np.ndarray:
    lines = [ESCAPE.sub("", line) for line in code.splitlines()]
    pairs = np.array([[PIXELS[char] for char in line] for line in lines], np.uint8)
    return pairs.transpose(0, 2, 1).reshape(-1, pairs.shape[1])


def read(code: str) -> str:
    image = cv2.resize(modules(code), None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST)
    return cv2.QRCodeDetector().detectAndDecode(image)[0]


class Terminal(io.TextIOWrapper):
    """The far end of a pseudo-terminal of ``columns``, and what was written to it."""

    def __init__(self, columns: int, encoding: str) -> None:
        self.near, far = os.openpty()
        fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
        size = np.array([24, columns, 0, 0], np.uint16).tobytes()
        fcntl.ioctl(far, termios.TIOCSWINSZ, size)
        super().__init__(io.FileIO(far, "wb"), encoding, write_through=True)

    def shown(self) -> str:
        """All that was written; the terminal is closed then."""
        self.close()
        with io.FileIO(self.near, "rb") as near:
            shown = b""
            with contextlib.suppress(OSError):  # its end, once nobody writes to it
                while part := near.read(4096):
                    shown += part
        return shown.decode()


@pytest.fixture(autouse=True)
def _needs_segno(request):
    if "without_segno" not in request.node.name:
        pytest.importorskip("segno")


def test_camera_reads_the_link():
    assert read(qr_code(LINK, 80)) == LINK


def test_code_has_a_quiet_zone_and_colours_of_its_own():
    code = qr_code(LINK, 80)
    image = modules(code)
    height, width = image.shape
    assert width <= 45
    assert height in (width, width + 1)  # a line of text holds two rows
    for edge in (image[:QUIET_ZONE], image[-QUIET_ZONE:], image.T[:QUIET_ZONE]):
        assert (edge[:QUIET_ZONE] != 0).all()
    assert (image[QUIET_ZONE, QUIET_ZONE : QUIET_ZONE + 7] == 0).all()  # a corner's dark frame
    assert all(line.startswith("\x1b[38;5;16;48;5;231m") for line in code.splitlines())
    assert all(line.endswith("\x1b[0m") for line in code.splitlines())


@pytest.mark.parametrize("link", ["", "x" * 1001])
def test_link_of_no_sensible_length_has_none(link):
    assert qr_code(link, 1000) is None


def test_code_wider_than_the_terminal_is_left_out():
    width = modules(qr_code(LINK, 80)).shape[1]
    assert qr_code(LINK, width) is not None
    assert qr_code(LINK, width - 1) is None


def test_installation_without_segno_shows_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    assert qr_code(LINK, 80) is None


@pytest.mark.parametrize(
    ("columns", "encoding", "shows"),
    [(80, "utf-8", True), (0, "utf-8", True), (30, "utf-8", False), (80, "ascii", False)],
)
def test_terminal_is_shown_what_it_can_show(columns, encoding, shows):
    terminal = Terminal(columns, encoding)
    show_qr_code(LINK, terminal)
    assert ("▀" in terminal.shown()) is shows


def test_file_or_pipe_is_shown_nothing():
    stream = io.StringIO()
    show_qr_code(LINK, stream)
    assert stream.getvalue() == ""


def test_command_reads_the_link_where_no_process_list_has_it(monkeypatch):
    terminal = Terminal(80, "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(LINK + "\n"))
    monkeypatch.setattr(sys, "stdout", terminal)
    main()
    assert read(terminal.shown().replace("\r\n", "\n")) == LINK


def test_command_writes_nothing_into_a_pipe():
    command = [sys.executable, "-m", "device.web.qr_code"]
    ran = subprocess.run(command, input=LINK, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == ran.stderr == ""
