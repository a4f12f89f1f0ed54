"""Duplicate files: pictures that are in two sets, which should be apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from device.bundle.hashes import sha256_of


def same_files(paths: Sequence[Path], others: Iterable[Path]) -> list[Path]:
    """Those of ``paths`` whose content one of ``others`` has too; files that are gone have none.

    Files are only read where their sizes agree.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for other in others:
        if other.is_file():
            by_size[other.stat().st_size].append(other)
    digest = cache(sha256_of)
    return [
        path
        for path in paths
        if path.is_file()
        and any(digest(path) == digest(other) for other in by_size[path.stat().st_size])
    ]
