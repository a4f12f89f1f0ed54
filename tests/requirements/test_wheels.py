"""Wheels for a machine without internet: the checkout's lock decides, not where they lie."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

WHEEL = "tiny-1.0-py3-none-any.whl"


def write_wheel(folder: Path, text: str) -> str:
    """A wheel of one module; returns its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tiny.py", text)
        info = "tiny-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256((folder / WHEEL).read_bytes()).hexdigest()


def make_ready(lock: Path, folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "requirements" / "wheels.py"
    return subprocess.run(
        [sys.executable, script, lock, "3.11", "aarch64", folder, source],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """That of a checkout, which names the wheel in ``true``."""
    digest = write_wheel(tmp_path / "true", "x = 1\n")
    lock = tmp_path / "pi-bookworm.txt"
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    return lock


def test_wheels_of_a_folder_that_pass_the_lock_are_made_ready_without_a_network(
    lock: Path, tmp_path: Path
):
    done = make_ready(lock, tmp_path / "ready", tmp_path / "true")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ready" / WHEEL).read_bytes() == (tmp_path / "true" / WHEEL).read_bytes()
    requirements = (tmp_path / "ready" / "requirements.txt").read_text()
    digest = hashlib.sha256((tmp_path / "true" / WHEEL).read_bytes()).hexdigest()
    assert requirements == f"tiny==1.0 --hash=sha256:{digest}\n"


def test_wheel_that_a_folder_vouches_for_itself_is_refused(lock: Path, tmp_path: Path):
    false = tmp_path / "false"
    digest = write_wheel(false, "import os; os.system('touch pwned')\n")
    (false / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    (false / "pi-bookworm.txt-aarch64").write_bytes(lock.read_bytes())
    done = make_ready(lock, tmp_path / "ready", false)
    assert done.returncode == 1
    assert "HASHES" in done.stderr
    assert not (tmp_path / "ready" / "requirements.txt").exists()
