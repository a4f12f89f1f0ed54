"""The folder for what is kept from run to run."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """Where it lies, by the XDG Base Directory Specification."""
    home = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not home.is_absolute():  # the specification: a relative one is to be ignored
        home = Path.home() / ".local" / "state"
    return home / "liteberry"
