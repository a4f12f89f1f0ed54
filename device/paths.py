"""Paths: the folder this code lies in, and where a name leads to."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]  # a checkout, or a release folder on a device


def real_path(path: str | Path) -> Path:
    """``path`` made absolute, its links followed as far as they lead.

    Of links that lead in a circle it is one of them: before Python 3.13 ``Path.resolve`` raises
    ``RuntimeError`` there, and who opens the path gets an ``OSError`` that says it.
    """
    return Path(os.path.realpath(path))
