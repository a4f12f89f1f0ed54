"""The preview window: annotated frames on the desktop, where OpenCV has windows."""

from __future__ import annotations

import re
import subprocess
import sys
import threading

import cv2

from device.errors import SinkError
from device.outputs.base import ImageSink
from device.records import Outcome

NAME = "liteberry"
QUIT = (ord("q"), 27)  # and Escape
TRIAL = f"import cv2; cv2.namedWindow({NAME!r}); cv2.waitKey(1)"
TRIAL_TIMEOUT_S = 60.0


class WindowSink(ImageSink):
    """A window of annotated frames; ``q`` or closing it sets ``stop``."""

    def __init__(self, stop: threading.Event) -> None:
        """Raises ``SinkError`` where no window can be had."""
        self._stop = stop
        self._open = self._sized = False
        require_window()
        # One that can be made smaller than its picture, and is without Qt's tools around it.
        cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._open = True

    def write(self, outcome: Outcome) -> None:
        """Show the frame."""
        if not self._open:
            return  # the frames that were under way when the user ended the run
        assert outcome.image is not None
        if not self._sized:
            cv2.resizeWindow(NAME, outcome.frame.size_wh)
            self._sized = True
        cv2.imshow(NAME, outcome.image)
        key = cv2.waitKey(1) & 0xFF
        if key in QUIT or cv2.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE) < 1:
            self._stop.set()
            self.close()

    def close(self) -> None:
        """Close the window."""
        if self._open:
            self._open = False
            cv2.destroyAllWindows()


def require_window() -> None:
    """Raise ``SinkError`` where OpenCV has no windows, or there is no screen to show them on.

    The latter is tried in a process of its own: OpenCV's Qt ends the one that it fails in.
    """
    if re.search(r"GUI: +NONE", cv2.getBuildInformation()):
        raise SinkError(
            "this OpenCV was built without windows: install opencv-python in place of "
            "opencv-python-headless (on a Pi python3-opencv), or watch in a browser with --serve"
        )
    trial = subprocess.run(
        [sys.executable, "-c", TRIAL], capture_output=True, timeout=TRIAL_TIMEOUT_S, check=False
    )
    if trial.returncode:
        said = trial.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in said if "display" in line), "it says nothing useful")
        raise SinkError(
            f"no window can be opened here ({reason.strip()}): run this on the desktop, or watch "
            "in a browser with --serve"
        )
