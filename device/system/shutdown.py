"""Graceful shutdown: a signal sets a stop event, and bounds the time that the process still lives.

Python calls signal handlers between two steps of the main thread, which may be long in coming:
a write to a pipe that nobody reads, a driver or an interpreter that hangs. The wake-up pipe is
written to by the C handler itself, and a thread of its own waits for it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from device.system.signals import ENDING, handle_ending

DEADLINE_S = 4.5  # from the signal to the end of the process, whatever hangs
STDERR = 2
PACKAGE = str(Path(__file__).parents[1])

Handler = Callable[[int, FrameType | None], Any] | int | None


class GracefulShutdown:
    """A context in which the signals that end a run set ``stop``.

    What it holds has ``deadline_s`` to leave it after that; then the process is ended by force,
    with exit status 1 and a line that says where it hung. ``last_wishes`` are called before. What
    is ignored stays ignored as :func:`handle_ending` has it. For the main thread.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.stop = threading.Event()
        self.last_wishes: list[Callable[[], object]] = []
        self._deadline_s = deadline_s
        self._left = threading.Event()
        self._earlier: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._earlier_fd = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        before = {number: signal.getsignal(number) for number in ENDING}
        handle_ending(lambda *_: self.stop.set())
        self._earlier = {
            number: handler
            for number, handler in before.items()
            if signal.getsignal(number) is not handler
        }
        self._thread = threading.Thread(target=self._watch, name="shutdown", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._earlier_fd)
        os.close(self._woken)  # which the thread takes for the end
        self._thread.join()
        os.close(self._wake)

    def _watch(self) -> None:
        numbers = {int(number) for number in self._earlier}
        while data := os.read(self._wake, 1):  # the number of any signal with a handler of Python's
            if data[0] in numbers:
                self.stop.set()
                if not self._left.wait(self._deadline_s):
                    self._force()
                return

    def _force(self) -> None:
        for wish in self.last_wishes:
            with contextlib.suppress(Exception):  # nothing may hold this up
                wish()
        where = _whereabouts(threading.main_thread())
        line = f"error: the run did not end within {self._deadline_s:g} s{where}; ended by force\n"
        # A terminal or pipe that takes nothing may be what it hangs on.
        if select.select([], [STDERR], [], 0)[1]:
            with contextlib.suppress(OSError):
                os.write(STDERR, line.encode(errors="replace"))
        os._exit(1)


def _whereabouts(thread: threading.Thread) -> str:
    """Where in this package ``thread`` is, for a message."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    if frame is None:
        return ""
    file = Path(frame.f_code.co_filename).relative_to(PACKAGE)
    return f": it hangs in {file}, {frame.f_code.co_name}"


def join_all(threads: list[threading.Thread], timeout_s: float) -> list[threading.Thread]:
    """Wait for ``threads`` to end, ``timeout_s`` for all together; returns those that did not."""
    deadline_s = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]


def leave(code: int) -> None:
    """End the process with ``code``, without a last search for garbage.

    Where a thread that was given up still hangs in a library, Python must not be torn down under
    it: the process ends as it is.
    """
    if any(thread.daemon and thread.is_alive() for thread in threading.enumerate()):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    # Python would look through all that is left, twice, to free what ends with the process anyway:
    # an eighth of the time that one picture takes from cold.
    gc.freeze()
    sys.exit(code)
