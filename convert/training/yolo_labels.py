"""YOLO labels of a dataset: text files beside its images, and the file that names their classes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from convert.annotations.ground_truth import MAX_LABEL_BYTES, read_bytes, read_text
from convert.annotations.labels import BoxLabel
from convert.annotations.yolo import parse_yolo
from convert.annotations.yolo_config import YoloConfig, read_yolo_config
from convert.errors import DatasetError, EvaluationError
from convert.training.dataset_files import AmbiguousNameError, DatasetFiles
from convert.training.label_set import (
    SPLIT_WORDS,
    LabelledFile,
    LabelSet,
    Split,
    folder_parts,
    split_of,
)

YOLO = "YOLO text"
CLASS_FILES = ("classes.txt", "obj.names", "labels.txt")


def read_names(path: Path) -> list[str]:
    """The classes that a file of one name a line gives numbers to.

    Raises :class:`EvaluationError` where it cannot be read.
    """
    lines = read_text(path, MAX_LABEL_BYTES).splitlines()
    return [line.strip() for line in lines if line.strip()]


def yolo_labels(files: DatasetFiles) -> LabelSet | None:
    """What YOLO's label files say; None where nothing names their classes."""
    configs = [
        path
        for path in files.others(".yaml", ".yml")
        if re.search(rb"^names\s*:", read_bytes(path, MAX_LABEL_BYTES), re.MULTILINE)
    ]
    names_files = [path for path in files.others(".txt", ".names") if path.name in CLASS_FILES]
    if not configs and not names_files:
        return None
    try:
        if configs:
            config = read_yolo_config(configs[0])
            found = LabelSet(f"{YOLO} ({configs[0].name})", classes=config.names)
            splits = _yolo_splits(files, config)
        else:
            names = tuple(read_names(names_files[0]))
            found = LabelSet(f"{YOLO} ({names_files[0].name})", classes=names)
            splits = {}
    except EvaluationError as exc:
        raise DatasetError(str(exc)) from exc
    lists = {path for path in files.others(".txt") if path.stem in SPLIT_WORDS}
    by_stem: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files.others(".txt"):
        if path not in lists and path not in names_files:
            by_stem[path.stem.casefold()].append(path)
    for image in files.images:
        label_file = _label_file(files, image, by_stem[image.stem.casefold()])
        if label_file is None:
            continue
        try:
            rows = parse_yolo(read_text(label_file, MAX_LABEL_BYTES))
            beyond = [row for row in rows if not 0 <= row.class_index < len(found.classes)]
            if beyond:
                raise EvaluationError(
                    f"class {beyond[0].class_index}, but {len(found.classes)} have names"
                )
        except EvaluationError as exc:
            found.unusable.append(f"{label_file.name} ({exc})")
            found.unread.add(label_file.stem)
            continue
        boxes = tuple(BoxLabel(found.classes[row.class_index], row.edges) for row in rows)
        split = splits.get(image) or split_of(*folder_parts(files, image))
        found.files.append(LabelledFile(image, boxes, label_file.name, split, relative=True))
    return found


def _yolo_splits(files: DatasetFiles, config: YoloConfig) -> dict[Path, Split]:
    """The splits that ``data.yaml`` names: folders of images, or lists of them."""
    splits: dict[Path, Split] = {}
    fits: dict[Path, int] = {}  # how much of the folder's path was found that said so
    named: tuple[tuple[Split, Sequence[str]], ...] = (
        ("test", config.test),
        ("validation", config.val),
        ("train", config.train),
    )
    for split, places in named:
        for place in places:
            tail = [
                part for part in place.replace("\\", "/").split("/") if part not in ("", ".", "..")
            ]
            if place.endswith(".txt"):
                splits |= dict.fromkeys(_listed(files, tail[-1]), split)
                continue
            for image in files.images:
                fit = _fit(folder_parts(files, image), tail)
                # Of `train/images` and `valid/images`, both end where either's images lie.
                if fit and fit >= fits.get(image, 0):
                    splits[image], fits[image] = split, fit
    return splits


def _listed(files: DatasetFiles, name: str) -> Iterator[Path]:
    """The images that the lists called ``name`` hold, a line each."""
    for path in files.others(".txt"):
        if path.name != name:
            continue
        for line in read_text(path, MAX_LABEL_BYTES).splitlines():
            try:
                image = files.find(line.strip(), path) if line.strip() else None
            except AmbiguousNameError:
                image = None
            if image is not None:
                yield image


def _fit(parts: Sequence[str], tail: Sequence[str]) -> int:
    """How many of the last of ``tail`` follow each other in ``parts``.

    As much of a path's end as is there: it may be of another machine.
    """
    for length in range(len(tail), 0, -1):
        wanted = tuple(tail[-length:])
        if any(tuple(parts[n : n + length]) == wanted for n in range(len(parts))):
            return length
    return 0


def _label_file(files: DatasetFiles, image: Path, there: list[Path]) -> Path | None:
    """The text file of an image: beside it, or in ``labels`` where it is in ``images``."""
    if not there:
        return None
    place = folder_parts(files, image)
    swapped = tuple("labels" if part == "images" else part for part in place)
    for wanted in (place, swapped):
        for path in there:
            if folder_parts(files, path) == wanted:
                return path
    return there[0] if len(there) == 1 else None
