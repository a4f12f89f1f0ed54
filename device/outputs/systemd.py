"""systemd notification: readiness and watchdog signals of a service."""

from __future__ import annotations

import contextlib
import socket
import time

from device.outputs.base import Sink
from device.records import Outcome

INTERVAL_S = 1.0
SHARED_S = 5.0  # that a camera without frames says nothing after another had one
WAITING = "waiting for the camera to come back"


class Watchdog(Sink):
    """A watchdog's sign of life: ready at the first frame, alive about once a second.

    A camera's driver, an interpreter or a sink that hangs lets no frame through, and systemd
    restarts the service. A camera that is known to be lost and reached for again is no such
    case: see :meth:`wait`. The protocol is that of sd_notify(3): a datagram to the socket that
    the environment names.
    """

    is_shared = False  # by several cameras: one that is lost leaves the word to the others

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # A name that begins with @ is one outside the file system.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._next_s = -SHARED_S  # of a camera's frame
        self._ready = False

    def write(self, outcome: Outcome) -> None:
        """Say that a frame came through."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + INTERVAL_S
        state = f"WATCHDOG=1\nSTATUS={outcome.fps:.1f} FPS, {outcome.rss_mb:.0f} MB"
        self._send(state if self._ready else f"READY=1\n{state}")
        self._ready = True

    def wait(self) -> None:
        """Say that the run is alive without frames: its camera is lost, and is tried again.

        A restart would not bring it back, and would end what the page shows and the history
        keeps. A service whose camera is off when it starts is ready, too: whoever waits for that,
        such as a deployment, has nothing to mend in it. For any thread.
        """
        if self.is_shared and time.monotonic() - self._next_s < SHARED_S:
            return
        state = f"WATCHDOG=1\nSTATUS={WAITING}"
        self._send(state if self._ready else f"READY=1\n{state}")
        self._ready = True

    def close(self) -> None:
        """Say that the run is ending on purpose."""
        if self._socket.fileno() >= 0:
            self._send("STOPPING=1")
            self._socket.close()

    def _send(self, state: str) -> None:
        with contextlib.suppress(OSError):  # systemd acts on what it does not hear
            self._socket.sendto(state.encode(), self._address)
