"""What all tests share: the real bundle, the shared pictures, and a watch over skipped tests."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Tests run two at a time: threads of linear algebra that wait for each other spin, and take minutes
# where one takes seconds. It holds for children too, and is read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from device.runtimes import installed_interpreters
from device.system.signals import children_begin_with_defaults
from tests.helpers.built_bundle import built_bundle
from tests.helpers.children import left_running, signals_kept, wait_until

# Before TensorFlow, which some tests import: loaded after it, in the same process, it refuses
# every model. The product never has both in one process.
with contextlib.suppress(ModuleNotFoundError):  # it ends at Python 3.11
    import tflite_runtime.interpreter  # noqa: F401

ROOT = Path(__file__).parents[1]
# How fast code is, a busy machine cannot tell. The same examples each time, so that nobody's change
# is blamed for what was found by chance; LITEBERRY_FUZZ_RANDOM=1 looks for others.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="LITEBERRY_FUZZ_RANDOM" not in os.environ,
    database=None,
)
settings.load_profile("untimed")

SHARED_DATA = ROOT.parent / "shared" / "data"
CONVERT = Path(__file__).parent / "convert"
ALLOWED_SKIPS = Path(__file__).parent / "allowed_skips.txt"

_WHY_NOT = (
    f"tflite-runtime ends at Python 3.11, and this is {platform.python_version()}"
    if sys.version_info >= (3, 12) or sys.platform == "darwin"
    else "tflite-runtime is not installed"  # it should be, and CI fails
)
needs_tflite_runtime = pytest.mark.skipif(
    "tflite-runtime" not in installed_interpreters(), reason=_WHY_NOT
)


def run_module(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run ``python -m ...`` from the checkout, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="session", autouse=True)
def default_signals() -> Iterator[None]:
    """Start children with default signals, also where ``nohup`` or a CI runner started pytest."""
    with children_begin_with_defaults():
        yield


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """Undo what a test, or a command that it runs in this process, does to signals."""
    with signals_kept():
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail the file that leaves a thread or a child: later ones would be blamed for it."""
    before = left_running()
    yield
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left_running(before), within_s=20)
    assert not left_running(before), "threads or processes that this file left behind"


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Leave the user's remembered choices and tokens alone, in child processes too."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def bundle_dir() -> Path:
    """The default bundle, built for real by the command users type, once for the same code.

    ``LITEBERRY_TEST_BUNDLE`` names another one.
    """
    if ready := os.environ.get("LITEBERRY_TEST_BUNDLE"):
        return Path(ready).resolve()

    def build(folder: Path) -> str:
        done = run_module("convert", "build", "--out", str(folder))
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    return built_bundle(build)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared test material; tests that ask for it skip where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not here")
    return SHARED_DATA


@pytest.fixture
def photo(bundle_dir: Path) -> Path:
    """A real photograph of a person."""
    return bundle_dir / "samples" / "person.jpg"


@pytest.fixture
def noise() -> np.ndarray:
    """A picture of noise, uint8 (48, 64, 3), always the same."""
    return np.random.default_rng(7).integers(0, 256, (48, 64, 3), np.uint8)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what reads the shared pictures, so that it can be chosen or left out."""
    if "shared_data" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.shared)


@pytest.hookimpl(trylast=True)  # of those that are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let nobody wait for the bundle who need not.

    One file asks for it at once, and it is built once for all: beside that run those that convert
    and do without.
    """
    needing: dict[Path, bool] = {}
    for item in items:
        needs = "bundle_dir" in getattr(item, "fixturenames", ())
        needing[item.path] = needing.get(item.path, False) or needs
    converting = [path for path in needing if CONVERT in path.parents]
    first = next((path for path in converting if needing[path]), None)
    places = {path: 1 + needing[path] for path in converting} | {first: 0}
    items.sort(key=lambda item: places.get(item.path, 3))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """On CI a skipped test fails the run, unless its reason is in ``allowed_skips.txt``."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    lines = ALLOWED_SKIPS.read_text().splitlines()
    allowed = [line for line in lines if line and not line.startswith("#")]
    unexpected = [
        f"{report.nodeid}: {report.longrepr[2]}"
        for report in reporter.stats.get("skipped", [])
        if not any(text in report.nodeid or text in report.longrepr[2] for text in allowed)
    ]
    if unexpected:
        reporter.write_line("skipped, but not in tests/allowed_skips.txt:", red=True)
        for line in unexpected:
            reporter.write_line(f"  {line}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
