from __future__ import annotations

from pathlib import Path

import pytest

from convert.arm.root import arm_root, root_versions
from convert.errors import EmulationError

pytestmark = pytest.mark.long


def test_missing_tools_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulationError, match=r"mmdebstrap.*apt install .*qemu-user mmdebstrap gcc"):
        arm_root()


def test_root_holds_the_locked_versions_and_python(root: Path) -> None:
    versions = root_versions(root)
    lock = (Path(__file__).parents[3] / "requirements" / "pi-bookworm.txt").read_text()
    assert f"ai-edge-litert=={versions['ai-edge-litert']} " in lock
    assert f"tflite-runtime=={versions['tflite-runtime']} " in lock
    assert versions["Python"].startswith("3.11.")
    assert versions["glibc"].startswith("2.36-")
