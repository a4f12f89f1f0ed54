"""Recorded Raspberry Pis: what their kernels and tools say, to be laid out as files."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("pi_zero_2_w", "pi_3", "pi_4", "pi_5")


def lay_out(name: str, root: Path) -> Path:
    """Write the texts of a board below ``root``, as they would lie in its file system.

    Programs become scripts that print what the real ones printed.
    """
    recorded = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    for path, text in recorded["files"].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for path, text in recorded["programs"].items():
        set_program(root / path, text)
    return root


def set_program(path: Path, prints: str, code: int = 0) -> None:
    """Put a program at ``path`` that says ``prints`` and ends with ``code``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END_OF_TEXT'\n{prints}END_OF_TEXT\nexit {code}\n")
    path.chmod(0o755)
