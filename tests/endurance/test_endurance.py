"""Runs that are killed, or find the disk full: ``make test-endurance``.

``LITEBERRY_RUNS`` is how often each is done.
"""

from __future__ import annotations

import contextlib
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from device.events.reader import VisitReader
from device.events.records import StoredVisit, StoreError
from tests.conftest import ROOT
from tests.device.conftest import frames_of
from tests.helpers.children import start, wait_until
from tests.helpers.colour_bundle import write_colour_bundle
from tests.helpers.long_runs import RUNS

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]


def detect(bundle: Path, folder: Path, *flags: object, **options: object) -> subprocess.Popen[str]:
    """Start a run on the demo with a video in segments, clips, visits and logs in ``folder``."""
    command = [
        sys.executable, "-m", "device", "detect", bundle, "--source", "demo", "--size", "160x120",
        "--output", folder / "cam.mp4", "--segment", 2, "--on", "red,green,blue", "--record", 1,
        "--clips", folder / "clips", "--log", folder / "seen.jsonl", *flags,
    ]  # fmt: skip
    return start(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that takes no time: what is tried is what surrounds it."""
    return write_colour_bundle(tmp_path_factory.mktemp("colours") / "bundle")


def finished(folder: Path) -> list[Path]:
    """The videos that were closed."""
    return [path for path in folder.rglob("*.mp4") if ".partial" not in path.name]


def visits_in(path: Path) -> list[StoredVisit]:
    """The visits of a store that is whole."""
    with contextlib.closing(VisitReader(path)) as reader:
        assert reader._number("SELECT count(*) FROM pragma_integrity_check('visit') WHERE"
                              " integrity_check != 'ok'") == 0  # fmt: skip
        return list(reader.visits())


def lines(folder: Path) -> int:
    log = folder / "seen.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def test_kills_leave_closed_files_readable_and_the_next_run_whole(bundle, tmp_path):
    chance = random.Random(1)
    seen = 0
    played: set[Path] = set()
    for _ in range(RUNS):
        with detect(bundle, tmp_path) as child:
            until = seen + chance.randint(1, 150)
            wait_until(lambda: child.poll() is not None or lines(tmp_path) >= until)  # noqa: B023
            child.kill()
            child.communicate()
        seen = lines(tmp_path)
        assert seen >= until, "the run ended by itself"
        new = set(finished(tmp_path)) - played
        assert all(frames_of(path) for path in new)
        played |= new
    with detect(bundle, tmp_path, "--frames", 5) as child:
        _, said = child.communicate()
    assert child.returncode == 0, said
    left = [path for path in tmp_path.rglob("*.partial.mp4") if path.stat().st_size]
    assert not left, "what was cut off is given a name by a later run"
    assert all(frames_of(path) for path in finished(tmp_path))


def test_kills_leave_a_store_that_opens_with_all_that_was_committed(bundle, tmp_path):
    chance = random.Random(3)
    path = tmp_path / "events.db"
    committed: list[StoredVisit] = []
    for _ in range(RUNS):
        before = lines(tmp_path)
        with detect(bundle, tmp_path, "--events", path) as child:
            until = before + chance.randint(1, 300)
            wait_until(lambda: child.poll() is not None or lines(tmp_path) >= until)  # noqa: B023
            if path.exists() and path.stat().st_size:
                with contextlib.suppress(StoreError):  # it is being made
                    committed = visits_in(path)
            child.kill()
            child.communicate()
        kept = {visit.number: visit for visit in visits_in(path)}
        for visit in committed:
            assert kept[visit.number].ended_s >= visit.ended_s
    with detect(bundle, tmp_path, "--events", path, "--frames", 300) as child:
        _, said = child.communicate()
    assert child.returncode == 0, said
    assert "damaged" not in said
    visits = visits_in(path)
    assert visits
    assert not any(visit.under_way for visit in visits)


def test_disk_that_fills_at_any_byte_ends_the_run_in_one_line(bundle, tmp_path):
    chance = random.Random(2)
    for number in range(RUNS):
        folder = tmp_path / str(number)
        folder.mkdir()
        most = chance.randint(1, 60_000)

        def limit(most: int = most) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        with detect(bundle, folder, "--frames", 300, preexec_fn=limit) as child:
            _, said = child.communicate()
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        assert (child.returncode, len(errors)) == (1, 1), (most, said)
        assert "Traceback" not in said
        assert all(frames_of(path) for path in finished(folder)), most
