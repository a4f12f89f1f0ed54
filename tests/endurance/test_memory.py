"""Memory of a run with everything on: a million frames where ``make test-endurance RUNS=200``."""

from __future__ import annotations

import time

import pytest

from tests.helpers.children import wait_until
from tests.helpers.colour_bundle import write_colour_bundle
from tests.helpers.live_page import WebSocket
from tests.helpers.long_runs import RUNS, everything, watched

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

FRAMES = 5000 * RUNS
BEGUN = FRAMES // 4  # frames by which SQLite's cache and the logs have reached their bounds
GROWTH_KB = 1000
MARKS = 100  # at which memory is looked at


def test_run_with_everything_on_does_not_grow(tmp_path, record_property):
    bundle = write_colour_bundle(tmp_path / "bundle")
    command = everything(bundle, tmp_path, "red,green,blue")
    started_s = time.monotonic()
    with watched([*command, "--size", "160x120", "--serve-fps", 2], tmp_path) as run:
        with WebSocket(run.host) as viewer:
            marks = []  # frames, and kB that are no file's

            def pass_by(frames: int) -> None:
                def is_past() -> bool:
                    viewer.image()
                    assert run.child.poll() is None, run.said()
                    return run.frames() >= frames

                wait_until(is_past, within_s=1e6)
                marks.append((run.frames(), run.kilobytes("RssAnon"), run.kilobytes("VmRSS")))
                print(*marks[-1], f"{time.monotonic() - started_s:.0f} s", flush=True)  # noqa: T201

            for number in range(1, MARKS + 1):
                pass_by(number * FRAMES // MARKS)
        run.child.terminate()
        assert run.child.wait() == 0, run.said()
    begun, *later = [kilobytes for frames, kilobytes, _ in marks if frames >= BEGUN]
    assert max(later) - begun <= GROWTH_KB, marks
    assert (tmp_path / "visits.db").stat().st_size > 0
    assert list((tmp_path / "clips").glob("*.mp4"))
