"""Memory of a run with everything on: a million frames where ``make test-endurance RUNS=200``."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial

import pytest

from tests.helpers.children import wait_until
from tests.helpers.colour_bundle import write_colour_bundle
from tests.helpers.live_page import WebSocket
from tests.helpers.long_runs import RUNS, WatchedRun, everything, watched

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

FRAMES = 5000 * RUNS
# What later frames are held to is the most memory by then; a short run's is looked at earlier.
BEGUN = min(10_000, FRAMES // 4)
GROWTH_KB = 1000
PARTS = 100  # of the run, of which the most memory is told
SAMPLE_S = 0.02  # a clip's end takes a moment, and few looks at the first part would miss it


class Viewer:
    """One that watches as long as the run lives, and comes again where its line broke.

    It does where the whole machine sleeps for a while, as for another's measurements.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._socket = WebSocket(host)
        self.broken = 0  # lines

    def look(self) -> None:
        """Wait for a picture."""
        try:
            self._socket.image()
        except (OSError, AssertionError):  # nothing came, or the page said goodbye
            self.broken += 1
            self.close()
            self._socket = WebSocket(self._host)

    def close(self) -> None:
        self._socket.close()


class Peak:
    """The most memory of a run that is no file's, in kB; looked at all the time."""

    def __init__(self, run: WatchedRun) -> None:
        self._run = run
        self._most_kb = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="peak")
        self._thread.start()

    def _look(self) -> None:
        with contextlib.suppress(OSError, AssertionError):  # it ended
            while not self._ended.wait(SAMPLE_S):
                self._most_kb = max(self._most_kb, self._run.kilobytes("RssAnon"))

    def take(self) -> int:
        """The most since the last call."""
        most_kb, self._most_kb = self._most_kb, 0
        return most_kb

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


def test_run_with_everything_on_does_not_grow(tmp_path):
    bundle = write_colour_bundle(tmp_path / "bundle")
    command = everything(bundle, tmp_path, "red,green,blue")
    started_s = time.monotonic()
    with watched([*command, "--size", "160x120", "--serve-fps", 2], tmp_path) as run:
        with (
            contextlib.closing(Viewer(run.host)) as viewer,
            contextlib.closing(Peak(run)) as peak,
        ):

            def is_past(frames: int) -> bool:
                viewer.look()
                assert run.child.poll() is None, run.said()
                with contextlib.suppress(TimeoutError):
                    return run.frames() >= frames
                return False

            def most_until(frames: int) -> int:
                """The most memory in kB from now on, until so many frames are done."""
                peak.take()
                wait_until(partial(is_past, frames), within_s=1e6)
                most_kb = peak.take()
                assert most_kb, "nobody looked"
                after_s = round(time.monotonic() - started_s)
                print(frames, most_kb, f"{after_s} s", flush=True)  # noqa: T201
                return most_kb

            most_until(BEGUN // 2)  # starting takes what it takes
            begun_kb = most_until(BEGUN)
            ends = range(BEGUN, FRAMES + 1, max(1, (FRAMES - BEGUN) // PARTS))
            later_kb = [most_until(frames) for frames in ends[1:]]
            print("lines broken", viewer.broken)  # noqa: T201
        run.child.terminate()
        assert run.child.wait() == 0, run.said()
    assert max(later_kb) - begun_kb <= GROWTH_KB, (begun_kb, later_kb)
    assert (tmp_path / "visits.db").stat().st_size > 0
    assert list((tmp_path / "clips").glob("*.mp4"))
