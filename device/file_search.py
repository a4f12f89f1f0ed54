"""File search: the files of a kind in a folder, or that a pattern matches."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOST_KINDS = 5  # of files passed over, that are named
MAX_SUFFIX = 12


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The files of a kind below a folder, and how many others of which kind."""

    files: list[Path]
    passed_over: Counter[str]

    def besides(self) -> str:
        """What is passed over, as the end of a message; empty where nothing is."""
        kinds = sorted(self.passed_over.items(), key=lambda item: (-item[1], item[0]))[:MOST_KINDS]
        if not kinds:
            return ""
        others = self.passed_over.total() - sum(count for _, count in kinds)
        words = [f"{count} {kind}" for kind, count in kinds] + ([f"{others} others"] * bool(others))
        return f"; passed over: {', '.join(words)}"


def find_files(folder: Path, suffixes: tuple[str, ...]) -> FolderListing:
    """All files below ``folder`` whose names end in one of ``suffixes``, in order of their paths.

    Hidden files and folders are passed over: they are thumbnails and what other systems leave.
    Links to folders are not followed, as they may lead back. A folder that may not be read counts
    as empty.
    """
    paths: list[Path] = []
    for place, folders, names in os.walk(folder):  # pathlib has a walk from Python 3.12 on
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place, name) for name in names]
    return part_files(paths, suffixes)


def part_files(paths: Iterable[Path], suffixes: tuple[str, ...]) -> FolderListing:
    """The files of ``paths`` whose names end in one of ``suffixes``, and how many do not."""
    found: list[Path] = []
    passed_over: Counter[str] = Counter()
    for path in paths:
        if path.name.startswith("."):
            passed_over["hidden"] += 1
        elif path.name.lower().endswith(suffixes):
            found.append(path)
        else:
            passed_over[path.suffix.lower()[:MAX_SUFFIX] or "without an ending"] += 1
    return FolderListing(sorted(found), passed_over)


def is_pattern(text: str) -> bool:
    """Whether ``text`` may stand for several files: it has ``*``, ``?`` or ``[``."""
    return bool(set(text) & set("*?["))


def matching_files(pattern: str) -> list[Path]:
    """The files that a pattern such as ``photos/*.jpg`` matches, in order of their paths.

    None for a name without ``*``, ``?`` or ``[``.
    """
    if not is_pattern(pattern):
        return []
    import glob  # here: cameras have no pattern

    return sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())  # noqa: PTH207
