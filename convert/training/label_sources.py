"""Label sources: which format a dataset's folder is in, and what its files say of each image.

Nothing is compared with the images here; that is :mod:`convert.training.dataset_checks`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from convert.annotations.coco import parse_coco
from convert.annotations.csv_table import is_csv_table, read_csv_table
from convert.annotations.ground_truth import MAX_LABEL_BYTES, read_bytes, read_text
from convert.annotations.labels import BoxLabel, image_size
from convert.annotations.voc import parse_voc
from convert.annotations.yolo import parse_yolo
from convert.annotations.yolo_config import YoloConfig, read_yolo_config
from convert.errors import DatasetError, EvaluationError
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
CLASS_FILES = ("classes.txt", "obj.names", "labels.txt")
COCO_HEAD = 1 << 20  # bytes in which a COCO file names its keys, or is none


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
    whole_images: bool = False  # a class per image, without boxes


def split_of(*names: str) -> Split | None:
    """The split that a word of ``names`` says, the last one first: ``images/train``, ``test_1``."""
    for name in reversed(names):
        for word in re.split(r"[^a-z]+", name.lower()):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
    return None


def read_labels(files: DatasetFiles, say: Callable[[str], None]) -> LabelSet:
    """Labels of the first format of which there are files: COCO, YOLO, CSV, VOC, class folders.

    Raises :class:`DatasetError` where there is none.
    """
    for find in (_coco, _yolo, _csv, _voc):
        found = find(files)
        if found is not None and found.files:
            _add_negatives(found, files)
            say(f"labels      {found.kind}")
            return found
        if found is not None and (found.unusable or found.missing):
            reasons = [*found.unusable, *(f"{name}: no such image" for name in found.missing)]
            raise DatasetError(
                f"{files.root}: {found.kind}, of which none can be used; first: {reasons[0]}"
            )
    folders = _class_folders(files)
    if folders is not None:
        say(f"labels      {folders.kind}")
        return folders
    raise DatasetError(
        f"{files.root}: {len(files.images)} images and no labels; expected Pascal VOC XML, YOLO "
        "text with data.yaml or classes.txt, COCO JSON, a CSV with filename,class,xmin,ymin,"
        "xmax,ymax, or a folder per class"
    )


def _place(files: DatasetFiles, path: Path) -> tuple[str, ...]:
    return path.relative_to(files.root).parts[:-1]


def _coco(files: DatasetFiles) -> LabelSet | None:
    tables = [path for path in files.others(".json") if _is_coco(path)]
    if not tables:
        return None
    found = LabelSet(f"COCO JSON ({_named(tables)})")
    classes: dict[str, None] = {}
    for path in tables:
        try:
            coco = parse_coco(path)
        except EvaluationError as exc:
            found.unusable.append(str(exc))
            continue
        names = {category.id: category.name.strip() for category in coco.categories}
        used = {item.category_id for item in coco.annotations}
        classes |= {name: None for number, name in sorted(names.items()) if number in used}
        boxes: defaultdict[int, list[BoxLabel]] = defaultdict(list)
        for item in coco.annotations:
            if item.category_id not in names:
                found.unusable.append(f"{path.name}: category {item.category_id} has no name")
                continue
            x, y, width, height = item.bbox
            box = BoxLabel(
                names[item.category_id], (x, y, x + width, y + height), bool(item.iscrowd)
            )
            boxes[item.image_id].append(box)
        split = split_of(*_place(files, path), path.stem)
        for image in coco.images:
            there = _find(files, found, image.file_name, path)
            if there is not None:
                size = image_size(image.width, image.height)
                said = tuple(boxes[image.id])
                own = split or split_of(*_place(files, there))
                found.files.append(LabelledFile(there, said, path.name, own, size))
    found.classes = tuple(classes)
    return found


def _is_coco(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(COCO_HEAD)
    except OSError:
        return False
    return b'"images"' in head and (b'"annotations"' in head or b'"categories"' in head)


def _csv(files: DatasetFiles) -> LabelSet | None:
    tables = [path for path in files.others(".csv") if is_csv_table(path)]
    if not tables:
        return None
    found = LabelSet(f"CSV ({_named(tables)})")
    # A table of all images beside one for each split says nothing new.
    splits = {path: split_of(*_place(files, path), path.stem) for path in tables}
    if any(splits.values()):
        tables = [path for path in tables if splits[path]]
    for path in tables:
        try:
            table = read_csv_table(path)
        except EvaluationError as exc:
            found.unusable.append(str(exc))
            continue
        found.unusable += [f"{path.name}: {why}" for why in table.unusable]
        for labels in table.images:
            there = _find(files, found, labels.image, path)
            if there is not None:
                own = splits[path] or split_of(*_place(files, there))
                said = LabelledFile(there, labels.boxes, path.name, own, labels.size)
                found.files.append(said)
    return found


def _voc(files: DatasetFiles) -> LabelSet | None:
    paths = files.others(".xml")
    if not paths:
        return None
    found = LabelSet(f"Pascal VOC XML ({len(paths)} files)")
    lists = _image_lists(files)
    for path in paths:
        try:
            labels = parse_voc(read_bytes(path, MAX_LABEL_BYTES))
            there = files.find_beside(path, labels.image)
        except (EvaluationError, AmbiguousNameError) as exc:
            found.unusable.append(f"{path.name} ({exc})")
            continue
        if there is None:
            found.missing.append(path.name)
            continue
        split = lists.get(path.stem) or split_of(*_place(files, there), *_place(files, path))
        said = LabelledFile(there, labels.boxes, path.name, split, labels.size)
        found.files.append(said)
    return found


def _image_lists(files: DatasetFiles) -> dict[str, Split]:
    """Splits by stem, from lists as VOC keeps them: ``ImageSets/Main/train.txt``."""
    found: dict[str, Split] = {}
    for path in files.others(".txt"):
        split = SPLIT_WORDS.get(path.stem.lower())
        if split is None or "ImageSets" not in path.parts:
            continue
        for line in read_text(path, MAX_LABEL_BYTES).splitlines():
            if words := line.split():
                found[Path(words[0]).stem] = split
    return found


def _yolo(files: DatasetFiles) -> LabelSet | None:
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
            found = LabelSet(f"YOLO text ({configs[0].name})", classes=config.names)
            splits = _yolo_splits(files, config)
        else:
            lines = read_text(names_files[0], MAX_LABEL_BYTES).splitlines()
            names = tuple(line.strip() for line in lines if line.strip())
            found = LabelSet(f"YOLO text ({names_files[0].name})", classes=names)
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
            continue
        boxes = tuple(BoxLabel(found.classes[row.class_index], row.edges) for row in rows)
        split = splits.get(image) or split_of(*_place(files, image))
        found.files.append(LabelledFile(image, boxes, label_file.name, split, relative=True))
    return found


def _yolo_splits(files: DatasetFiles, config: YoloConfig) -> dict[Path, Split]:
    """The splits that ``data.yaml`` names: folders of images, or lists of them."""
    splits: dict[Path, Split] = {}
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
                for path in files.others(".txt"):
                    if path.name != tail[-1]:
                        continue
                    for line in read_text(path, MAX_LABEL_BYTES).splitlines():
                        try:
                            image = files.find(line.strip(), path) if line.strip() else None
                        except AmbiguousNameError:
                            image = None
                        if image is not None:
                            splits[image] = split
                continue
            for image in files.images:
                parts = _place(files, image)
                # As much of the path's end as is there: it may be of another machine.
                for length in range(len(tail), 0, -1):
                    wanted = tuple(tail[-length:])
                    if any(parts[n : n + length] == wanted for n in range(len(parts))):
                        splits[image] = split
                        break
    return splits


def _label_file(files: DatasetFiles, image: Path, there: list[Path]) -> Path | None:
    """The text file of an image: beside it, or in ``labels`` where it is in ``images``."""
    if not there:
        return None
    place = _place(files, image)
    swapped = tuple("labels" if part == "images" else part for part in place)
    for wanted in (place, swapped):
        for path in there:
            if _place(files, path) == wanted:
                return path
    return there[0] if len(there) == 1 else None


def _class_folders(files: DatasetFiles) -> LabelSet | None:
    """A folder per class, in a folder per split or not."""
    found = LabelSet("a folder per class", whole_images=True)
    for image in files.images:
        place = _place(files, image)
        if not place:
            return None
        split = split_of(*place[:-1]) if len(place) > 1 else None
        name = BoxLabel(place[-1], (0.0, 0.0, 1.0, 1.0))
        found.files.append(LabelledFile(image, (name,), place[-1], split, relative=True))
    names = {item.boxes[0].label for item in found.files}
    if len(names) < 2 or all(split_of(name) for name in names):
        return None
    found.classes = tuple(sorted(names))
    return found


def _add_negatives(found: LabelSet, files: DatasetFiles) -> None:
    """Take images that no label file speaks of, beside labelled ones, as showing nothing."""
    labelled = {item.image for item in found.files}
    splits = {(item.image.parent, item.split) for item in found.files}
    folders: dict[Path, set[Split | None]] = defaultdict(set)
    for folder, split in splits:
        folders[folder].add(split)
    for image in files.images:
        if image in labelled or image.parent not in folders:
            continue
        (split, *others) = folders[image.parent]
        own = None if others else split
        found.files.append(LabelledFile(image, (), "", own))


def _find(files: DatasetFiles, found: LabelSet, written: str, source: Path) -> Path | None:
    try:
        there = files.find(written, source)
    except AmbiguousNameError as exc:
        found.unusable.append(f"{source.name}: {written[:80]} {exc}")
        return None
    if there is None:
        found.missing.append(written[:80])
    return there


def _named(paths: Sequence[Path]) -> str:
    names: Iterator[str] = (path.name for path in paths[:3])
    return ", ".join(names) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
