"""Label set: what a dataset's label files say of each image, and of the split that it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from convert.annotations.labels import BoxLabel
from convert.training.dataset_files import AmbiguousNameError, DatasetFiles

Split = Literal["train", "validation", "test"]
SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One image and what the labels say of it.

    Edges are pixels of an image of ``written_size``, or shares of its sides (``relative``).
    ``split`` is None where nothing says which; ``source`` is the label file, for messages.
    """

    image: Path
    boxes: tuple[BoxLabel, ...]
    source: str
    split: Split | None
    written_size: tuple[int, int] | None = None
    relative: bool = False


@dataclass(slots=True)
class LabelSet:
    """All that the label files say. ``classes`` gives an order where the format has one."""

    kind: str  # in words
    files: list[LabelledFile] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)  # labels without their image
    unusable: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  # stems of label files that cannot be used
    whole_images: bool = False  # a class per image, without boxes


def split_of(*names: str) -> Split | None:
    """The split that a word of ``names`` says, the last one first: ``images/train``, ``test_1``."""
    for name in reversed(names):
        for word in re.split(r"[^a-z]+", name.lower()):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
    return None


def folder_parts(files: DatasetFiles, path: Path) -> tuple[str, ...]:
    """The folders below the dataset's own that ``path`` lies in."""
    return path.relative_to(files.root).parts[:-1]


def find_image(files: DatasetFiles, found: LabelSet, written: str, source: Path) -> Path | None:
    """The image called ``written`` in ``source``; where there is none, ``found`` says so."""
    try:
        there = files.find(written, source)
    except AmbiguousNameError as exc:
        found.unusable.append(f"{source.name}: {written[:80]} {exc}")
        return None
    if there is None:
        found.missing.append(written[:80])
    return there


def listed_names(paths: Sequence[Path]) -> str:
    """Names of files for a message, three at most."""
    names: Iterator[str] = (path.name for path in paths[:3])
    return ", ".join(names) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
