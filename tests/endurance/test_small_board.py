"""A run with everything on in the memory of a Zero 2 W: a control group of 512 MB.

The processor is another; what the C library, the decoders and the network take is like it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.children import wait_until
from tests.helpers.live_page import WebSocket
from tests.helpers.long_runs import RUNS, everything, watched

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

LIMIT_BYTES = 512 << 20
FRAMES = 25 * RUNS
GROUPS = Path("/sys/fs/cgroup")
# Of the two versions of control groups: where one is made, and the file of its limit.
VERSIONS = ((GROUPS, "memory.max"), (GROUPS / "memory", "memory.limit_in_bytes"))


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group that may take no more; what is in it is killed where it does."""
    for parent, name in VERSIONS:
        made = parent / f"liteberry-{os.getpid()}"
        with contextlib.suppress(OSError):
            made.mkdir()
            limit = made / name
            if not limit.is_file():  # a folder like any other
                made.rmdir()
                continue
            limit.write_text(str(LIMIT_BYTES))
            yield made
            wait_until(lambda: not (made / "cgroup.procs").read_text())  # noqa: B023
            made.rmdir()
            return
    pytest.skip("needs the right to make a control group with a limit on memory")


def test_run_with_everything_on_fits_into_half_a_gigabyte(bundle_dir, tmp_path, group):
    shell = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', group / "cgroup.procs"]
    command = [*shell, *everything(bundle_dir, tmp_path, "person,cat")]
    with watched(command, tmp_path) as run, WebSocket(run.host) as viewer:

        def is_done() -> bool:
            viewer.image()
            assert run.child.poll() is None, run.said()
            return run.frames() >= FRAMES

        wait_until(is_done, within_s=1e6)
        print("frames", run.frames(), "kB resident at most", run.kilobytes("VmHWM"))  # noqa: T201
        run.child.terminate()
        assert run.child.wait() == 0, run.said()
    assert list((tmp_path / "clips").glob("*.mp4"))
