"""A camera that is not there yet when a service starts, and is waited for.

For a person at a terminal it is most likely a mistake, and the run ends at once. A service has
settings that have worked: its camera is off, or still starting after a loss of power.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from device.cameras.base import Camera, Warn
from device.cameras.reconnecting import FIRST_DELAY_S, LONGEST_DELAY_S
from device.errors import SourceError


def is_camera(source: str) -> bool:
    """Whether ``source`` names what can come and go, and not a file that has to be there."""
    return (
        source.isdecimal()
        or source.startswith("/dev/")
        or "://" in source
        or source.split(":")[0] == "picamera"
    )


def await_camera(
    connect: Callable[[], Camera],
    on_wait: Callable[[], None],
    stop: threading.Event,
    warn: Warn,
) -> Camera | None:
    """The camera that ``connect`` opens, tried again until it can; None once ``stop`` is set.

    ``on_wait`` is called before each wait, ``warn`` is told once why it waits.
    """
    delay_s, told = FIRST_DELAY_S, False
    while not stop.is_set():
        try:
            return connect()
        except SourceError as exc:
            if not told:
                warn(f"{exc}; waiting for the camera")
            told = True
        on_wait()
        stop.wait(delay_s)
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)
    return None
