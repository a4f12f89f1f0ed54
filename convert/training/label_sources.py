"""Label sources: which format a dataset's folder is in, and what its files say of each image.

Nothing is compared with the images here; that is :mod:`convert.training.dataset_checks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from convert.annotations.coco import parse_coco
from convert.annotations.csv_table import is_csv_table, read_csv_table
from convert.annotations.ground_truth import MAX_LABEL_BYTES, read_bytes, read_text
from convert.annotations.labels import BoxLabel, image_size
from convert.annotations.voc import parse_voc
from convert.annotations.yolo import parse_yolo
from convert.errors import DatasetError, EvaluationError
from convert.training.dataset_files import AmbiguousNameError, DatasetFiles
from convert.training.label_set import (
    SPLIT_WORDS,
    LabelledFile,
    LabelSet,
    Split,
    find_image,
    folder_parts,
    listed_names,
    split_of,
)
from convert.training.yolo_labels import YOLO, yolo_labels

VOC = "Pascal VOC XML"
COCO_HEAD = 1 << 20  # bytes in which a COCO file names its keys, or is none


def read_labels(files: DatasetFiles, say: Callable[[str], None]) -> LabelSet:
    """Labels of the first format of which there are files: COCO, YOLO, CSV, VOC, class folders.

    Raises :class:`DatasetError` where there is none.
    """
    for find in (_coco, yolo_labels, _csv, _voc):
        found = find(files)
        if found is not None and found.files:
            _add_negatives(found, files)
            _refuse_others(found, files)
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


def _coco(files: DatasetFiles) -> LabelSet | None:
    tables = [path for path in files.others(".json") if _is_coco(path)]
    if not tables:
        return None
    found = LabelSet(f"COCO JSON ({listed_names(tables)})")
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
        split = split_of(*folder_parts(files, path), path.stem)
        for image in coco.images:
            there = find_image(files, found, image.file_name, path)
            if there is not None:
                size = image_size(image.width, image.height)
                said = tuple(boxes[image.id])
                own = split or split_of(*folder_parts(files, there))
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
    found = LabelSet(f"CSV ({listed_names(tables)})")
    # A table of all images beside one for each split says nothing new.
    splits = {path: split_of(*folder_parts(files, path), path.stem) for path in tables}
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
            there = find_image(files, found, labels.image, path)
            if there is not None:
                own = splits[path] or split_of(*folder_parts(files, there))
                said = LabelledFile(there, labels.boxes, path.name, own, labels.size)
                found.files.append(said)
    return found


def _voc(files: DatasetFiles) -> LabelSet | None:
    paths = files.others(".xml")
    if not paths:
        return None
    found = LabelSet(f"{VOC} ({len(paths)} files)")
    lists = _image_lists(files)
    for path in paths:
        try:
            labels = parse_voc(read_bytes(path, MAX_LABEL_BYTES))
            there = files.find_beside(path, labels.image)
        except (EvaluationError, AmbiguousNameError) as exc:
            found.unusable.append(f"{path.name} ({exc})")
            found.unread.add(path.stem)
            continue
        if there is None:
            found.missing.append(path.name)
            continue
        split = lists.get(path.stem) or split_of(
            *folder_parts(files, there), *folder_parts(files, path)
        )
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


def _class_folders(files: DatasetFiles) -> LabelSet | None:
    """A folder per class, in a folder per split or not."""
    found = LabelSet("a folder per class", whole_images=True)
    for image in files.images:
        place = folder_parts(files, image)
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


def _refuse_others(found: LabelSet, files: DatasetFiles) -> None:
    """Raise ``DatasetError`` where labels of another format lie beside images taken as empty."""
    # In two splits images may be called alike, of which one has labels.
    labelled = {item.image.stem for item in found.files if item.source}
    empty = {item.image.stem for item in found.files} - labelled
    others: list[Path] = []
    if not found.kind.startswith(VOC):
        others += [path for path in files.others(".xml") if path.stem in empty]
    if not found.kind.startswith(YOLO):
        others += [path for path in files.others(".txt") if path.stem in empty and _is_yolo(path)]
    if others:
        raise DatasetError(
            f"{files.root}: labels are read from {found.kind}, and {len(others)} images have "
            f"theirs in another format ({listed_names(others)}), which would be trained on as "
            "showing nothing: bring all into one format, or move them out"
        )


def _is_yolo(path: Path) -> bool:
    try:
        return bool(parse_yolo(read_text(path, MAX_LABEL_BYTES)))
    except EvaluationError:
        return False


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
        if image.stem in found.unread:  # something is on it, and nobody knows what
            continue
        (split, *others) = folders[image.parent]
        own = None if others else split
        found.files.append(LabelledFile(image, (), "", own))
