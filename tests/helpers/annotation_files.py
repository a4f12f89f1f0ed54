"""Annotation files of one truth in every format, and files that are damaged."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
from hypothesis import strategies as st

from convert.annotations.read import read_annotations
from convert.errors import EvaluationError

LABELS = ("background", "person", "???", "cat", "dog")


SIDES_WH = {"a": (64, 48), "b": (100, 50), "c": (32, 32)}


TRUTH = {
    # label, x, y, width, height, ignored
    "a": [("person", 8, 12, 16, 24, False), ("dog", 32, 0, 32, 48, False)],
    "b": [("cat", 10, 5, 50, 20, False)],
    "c": [],
}


COCO_BYTES = json.dumps(
    {
        "images": [{"id": 0, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12}],
    }
).encode()


def write_images(folder: Path, names=SIDES_WH) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        width, height = SIDES_WH[name]
        assert cv2.imwrite(str(folder / f"{name}.png"), np.zeros((height, width, 3), np.uint8))
    return folder


def write_coco(path: Path, truth=TRUTH, ids=None) -> Path:
    ids = ids or {"person": 7, "dog": 1, "cat": 3, "kite": 9}
    boxes = [(number, box) for number, boxes in enumerate(truth.values()) for box in boxes]
    content = {
        "info": {},
        "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(truth)],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {"image_id": n, "category_id": ids[label], "bbox": box, "iscrowd": int(ignored)}
            for n, (label, *box, ignored) in boxes
        ],
    }
    path.write_text(json.dumps(content))
    return path


def voc_text(name, boxes) -> str:
    objects = "".join(
        f"<object><name>{label}</name><difficult>{int(ignored)}</difficult><bndbox>"
        f"<xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax>"
        "</bndbox></object>"
        for label, x, y, w, h, ignored in boxes
    )
    return f"<annotation><filename>{name}.png</filename>{objects}</annotation>"


def write_voc(folder: Path, truth=TRUTH) -> Path:
    folder.mkdir(exist_ok=True)
    for name, boxes in truth.items():
        (folder / f"{name}.xml").write_text(voc_text(name, boxes))
    return folder


def yolo_text(name, boxes, classes) -> str:
    width, height = SIDES_WH[name]
    return "".join(
        f"{classes.index(label)} {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} "
        f"{w / width:.6f} {h / height:.6f}\n"
        for label, x, y, w, h, _ in boxes
    )


def write_yolo(folder: Path, truth=TRUTH, classes=("dog", "cat", "person"), named=True) -> Path:
    folder.mkdir(exist_ok=True)
    for name, boxes in truth.items():
        (folder / f"{name}.txt").write_text(yolo_text(name, boxes, classes))
    if named:
        (folder / "classes.txt").write_text("\n".join(classes))
    return folder


def truth_of(annotated):
    """Pictures in order of name with their boxes, as far as every format can tell."""
    label_of = {number: label for label, number in annotated.category_ids.items()}
    return {
        annotated.images[image_id].file: sorted(
            (label_of[row["category_id"]], row["iscrowd"], *np.round(row["bbox"], 3))
            for row in annotated.truth.imgToAnns[image_id]
        )
        for image_id in annotated.images
    }


EXPECTED = {
    f"{name}.png": sorted((box[0], 0, *map(float, box[1:5])) for box in boxes)
    for name, boxes in TRUTH.items()
}


def mutated(text: bytes):
    """``text`` with some of its bytes replaced, cut out or doubled."""
    edits = st.tuples(
        st.integers(0, len(text)),
        st.integers(0, 6),
        st.binary(max_size=6) | st.sampled_from([b"<", b"&#0;", b"1e999", b"nan", b"\0", b"{"]),
    )

    def apply(changes):
        data = text
        for start, length, new in changes:
            data = data[:start] + new + data[start + length :]
        return data

    return st.lists(edits, min_size=1, max_size=4).map(apply)


def read_mutated(write, data) -> None:
    """Reading either works or raises :class:`EvaluationError`; anything else fails the test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_images(folder / "images", ["a"])
        path = write(folder, data)
        try:
            annotated = read_annotations([(images, path)], LABELS, lambda _: None)
        except EvaluationError as exc:
            assert "\n" not in str(exc)  # noqa: PT017 - most of these do not raise
        else:
            assert len(annotated.images) == 1


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path
