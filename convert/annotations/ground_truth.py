"""Ground truth: what annotated pictures really show, whatever format says so."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from convert.errors import EvaluationError
from device.images import list_images

MAX_LABEL_BYTES = 16 << 20  # of one image
MAX_TABLE_BYTES = 1 << 30  # of all images; COCO's 118,000 take 0.45 GB
NAMED = 5  # of many bad files, this many are named and the rest counted

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GroundTruthBox:
    """One object. Pixels of the picture; ``x`` and ``y`` are the left and upper edge.

    An ``ignored`` object (a crowd, a difficult one) need not be found, and finding it is no
    mistake either.
    """

    label: str
    x: float
    y: float
    width: float
    height: float
    area: float  # pixels; of the object, which may be less than of its box
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class GroundTruthImage:
    """One picture and all objects on it; ``file`` is relative to the ``folder`` the user gave."""

    folder: Path
    file: str
    boxes: tuple[GroundTruthBox, ...]

    @property
    def path(self) -> Path:
        """Where the picture is."""
        return self.folder / self.file


class ImageIndex:
    """The pictures directly in a folder, to be found by what an annotation calls them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = [path.name for path in list_images(folder) if path.parent == folder]

    def find(self, stem: str, name: str = "") -> str | None:
        """The picture called ``stem``, whatever its ending; else the one called ``name``.

        The stem counts more because people rename a picture together with its annotation,
        and forget the name written inside. Raises :class:`EvaluationError` where several fit.
        """
        fitting = [other for other in self._names if Path(other).stem == stem]
        if len(fitting) > 1 and name not in fitting:
            raise EvaluationError(f"fits {' and '.join(fitting)}")
        if name in self._names and (not fitting or name in fitting):
            return name
        return fitting[0] if fitting else None


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that none can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def read_bytes(path: Path, limit: int = MAX_TABLE_BYTES) -> bytes:
    """Content of a regular file without a byte order mark.

    Raises :class:`EvaluationError`, also for one of more than ``limit`` bytes.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise EvaluationError(f"{path}: not a file")
        if status.st_size > limit:
            raise EvaluationError(
                f"{path}: {status.st_size / 1e6:,.0f} MB, more than the {limit / 1e6:,.0f} MB "
                "that annotations have"
            )
        return path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as exc:
        raise EvaluationError(f"{path}: {exc.strerror}") from exc


def read_text(path: Path, limit: int = MAX_TABLE_BYTES) -> str:
    """A UTF-8 file of at most ``limit`` bytes. Raises :class:`EvaluationError`."""
    try:
        return read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise EvaluationError(f"{path}: not UTF-8 text") from exc


def read_each(
    files: Iterable[Path],
    source: Path,
    read_one: Callable[[Path], GroundTruthImage | None],
    warn: Warn,
) -> list[GroundTruthImage]:
    """Read a folder of annotations with one file per picture.

    ``read_one`` returns None where the picture is not there, and raises
    :class:`EvaluationError` for a file it cannot use. Both are told to ``warn``, once for the
    whole folder ``source``, and left out.
    """
    images: dict[str, GroundTruthImage] = {}
    missing, unusable = [], []
    for file in files:
        try:
            image = read_one(file)
        except EvaluationError as exc:
            unusable.append(f"{file.name} ({exc})")
            continue
        if image is None:
            missing.append(file.name)
        elif image.file in images:
            unusable.append(f"{file.name} (a second one for {image.file})")
        else:
            images[image.file] = image
    warn_of(missing, f"{source}: annotations without their picture", warn)
    warn_of(unusable, f"{source}: left out, for they cannot be used", warn)
    return list(images.values())


def warn_of(names: list[str], what: str, warn: Warn) -> None:
    """Say how many there are of ``what``, if any, and name the first."""
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        warn(f"{what}: {len(names)}: {', '.join(names[:NAMED])}{more}")
