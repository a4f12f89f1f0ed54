from __future__ import annotations

from pathlib import Path

import pytest

from convert.arm.root import arm_root, missing_tools


@pytest.fixture(scope="session")
def root() -> Path:
    """The emulated Pi's disk; tests that ask for it skip where the emulator is not installed."""
    if missing := missing_tools():
        pytest.skip(f"not installed: {', '.join(missing)}")
    return arm_root()
