"""The files of a dataset's folder, and the image that a label means by a name."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from convert.errors import DatasetError
from device.images import IMAGE_SUFFIXES

MAX_FILES = 2_000_000  # in a folder of more, a dataset is not what was meant
UNREADABLE_SUFFIXES = (".heic", ".heif", ".avif", ".gif", ".dng", ".cr2", ".nef", ".arw")
SUFFIXES = (*IMAGE_SUFFIXES, ".webp")


class AmbiguousNameError(ValueError):
    """A name that fits several images equally well."""


class DatasetFiles:
    """All files below ``root`` but hidden ones, in order of their paths.

    Raises :class:`DatasetError` where there is no such folder, and where it holds more than
    ``MAX_FILES`` files.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DatasetError(f"{root}: no such folder; expected one of images and their labels")
        self.root = root
        self.images: list[Path] = []
        self.unreadable: list[Path] = []  # images of a kind that OpenCV does not decode
        self._others: defaultdict[str, list[Path]] = defaultdict(list)
        for path in _walk(root):
            suffix = path.suffix.lower()
            if suffix in SUFFIXES:
                self.images.append(path)
            elif suffix in UNREADABLE_SUFFIXES:
                self.unreadable.append(path)
            else:
                self._others[suffix].append(path)
        self._by_stem: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self.images:
            self._by_stem[path.stem.casefold()].append(path)

    def others(self, *suffixes: str) -> list[Path]:
        """Files that are no images, with one of ``suffixes``."""
        return [path for suffix in suffixes for path in self._others.get(suffix, ())]

    def find(self, written: str, label_file: Path) -> Path | None:
        """The image called ``written`` in ``label_file``, by as much of its path as fits.

        The path may be of another machine, and the name of another spelling or ending (``.JPG``,
        ``.jpg``). Raises :class:`AmbiguousNameError` where several fit equally well.
        """
        wanted = PurePosixPath(written.replace("\\", "/"))
        there = self._by_stem.get(wanted.stem.casefold(), [])
        exact = [path for path in there if path.name == wanted.name]
        folders = tuple(part for part in wanted.parts[:-1] if part not in ("/", ".", ".."))
        return self._nearest(exact or there, folders, label_file)

    def find_beside(self, label_file: Path, written: str = "") -> Path | None:
        """The image with the stem of ``label_file``, else the one called ``written`` inside.

        The stem counts more because people rename an image together with its label file, and
        forget the name written inside. Raises :class:`AmbiguousNameError` where several fit.
        """
        there = self._by_stem.get(label_file.stem.casefold(), [])
        named = [path for path in there if path.name == PurePosixPath(written).name]
        if not there:
            return self.find(written, label_file) if written else None
        try:
            return self._nearest(there, (), label_file)
        except AmbiguousNameError:
            return self._nearest(named or there, (), label_file)

    def _nearest(
        self, there: list[Path], folders: tuple[str, ...], label_file: Path
    ) -> Path | None:
        """The one of ``there`` whose folder is most like ``folders`` and the label file's."""
        if len(there) < 2:
            return there[0] if there else None
        place = label_file.parent.relative_to(self.root).parts

        def likeness(path: Path) -> tuple[int, bool, int, int]:
            parts = path.parent.relative_to(self.root).parts
            return (
                _common(parts[::-1], folders[::-1]),
                parts == place,
                _common(parts[::-1], place[::-1]),
                _common(parts, place),
            )

        ranked = sorted(there, key=likeness, reverse=True)
        if likeness(ranked[0]) == likeness(ranked[1]):
            names = (str(path.relative_to(self.root)) for path in ranked[:2])
            raise AmbiguousNameError(f"fits {' and '.join(names)}")
        return ranked[0]


def _common(parts: tuple[str, ...], others: tuple[str, ...]) -> int:
    """How many leading parts are the same."""
    count = 0
    for part, other in zip(parts, others, strict=False):
        if part != other:
            break
        count += 1
    return count


def _walk(root: Path) -> Iterator[Path]:
    """Files below ``root`` by name; links to folders are not followed, as they may lead back."""
    count = 0
    for place, folders, names in os.walk(root):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != "__MACOSX"
        )
        count += len(names)
        if count > MAX_FILES:
            raise DatasetError(
                f"{root}: more than {MAX_FILES:,} files; name the folder of the dataset alone"
            )
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))
