from __future__ import annotations

import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.read import read_annotations, recognise
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


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("coco", lambda path: write_coco(path / "truth.json")),
        ("voc", lambda path: write_voc(path / "xml")),
        ("yolo", lambda path: write_yolo(path / "txt")),
    ],
)
def test_one_set_is_the_same_truth_in_every_format(tmp_path, images, kind, write):
    path = write(tmp_path)
    assert recognise(path) == kind
    annotated = read_annotations([(images, path)], LABELS, pytest.fail)
    assert truth_of(annotated) == EXPECTED
    assert annotated.category_ids == {"person": 1, "cat": 3, "dog": 4}


def test_format_is_recognised_by_content_and_not_by_name(tmp_path, images):
    path = write_coco(tmp_path / "truth.xml")
    assert recognise(path) == "coco"
    (tmp_path / "labels.json").write_text("a.png\t3\n")
    assert recognise(tmp_path / "labels.json") == "classes"


def test_sets_of_different_formats_are_pooled_by_name(tmp_path, images, said):
    more = write_images(tmp_path / "more", ["a"])
    sets = [
        (images, write_voc(tmp_path / "xml")),
        (more, write_coco(tmp_path / "truth.json", {"a": TRUTH["a"]})),
    ]
    pooled = read_annotations(sets, LABELS, pytest.fail)
    folders = [image.path.parent.name for image in pooled.images.values()]
    assert folders == ["images", "images", "images", "more"]
    rows = pooled.truth.dataset["annotations"]
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["image_id"] for row in rows] == [1, 1, 2, 4, 4]


def test_coco_files_that_number_categories_differently_are_pooled(tmp_path, images):
    one = write_coco(tmp_path / "one.json", {"a": TRUTH["a"]})
    two = write_coco(tmp_path / "two.json", {"b": TRUTH["b"]}, {"cat": 7})
    pooled = read_annotations([(images, one), (images, two)], LABELS, pytest.fail)
    assert truth_of(pooled) == {name: EXPECTED[name] for name in ("a.png", "b.png")}


@pytest.mark.parametrize("write", [write_voc, lambda path, truth: write_coco(path, truth)])
def test_difficult_objects_and_crowds_are_to_be_ignored(tmp_path, images, write):
    truth = {"a": [("person", 1, 2, 3, 4, True), ("person", 5, 6, 7, 8, False)]}
    annotated = read_annotations([(images, write(tmp_path / "set", truth))], LABELS, pytest.fail)
    rows = annotated.truth.dataset["annotations"]
    assert [row["iscrowd"] for row in rows] == [1, 0]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_coco(path / "truth.json"),
        lambda path: write_voc(path / "xml"),
        lambda path: write_yolo(path / "txt"),
    ],
)
def test_missing_pictures_are_counted_named_and_left_out(tmp_path, said, write):
    images = write_images(tmp_path / "images", ["a"])
    annotated = read_annotations([(images, write(tmp_path))], LABELS, said.append)
    assert [image.file for image in annotated.images.values()] == ["a.png"]
    assert len(annotated.truth.dataset["annotations"]) == 2
    (line,) = said
    assert ": 2: b." in line


def test_no_picture_at_all_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    sets = [(tmp_path / "empty", write_coco(tmp_path / "truth.json"))]
    with pytest.raises(EvaluationError, match="check --images"):
        read_annotations(sets, LABELS, lambda _: None)


def test_unknown_categories_are_counted_and_named_once(tmp_path, images, said):
    kite = ("kite", 1, 1, 5, 5, False)
    truth = {"a": [*TRUTH["a"], kite, kite], "b": [kite]}
    sets = [(images, write_coco(tmp_path / "truth.json", truth))]
    annotated = read_annotations(sets, LABELS, said.append)
    assert len(annotated.truth.dataset["annotations"]) == 2
    assert said == ["left out: 3 boxes of what the bundle has no label for: kite"]


def test_a_placeholder_is_no_label(tmp_path, images):
    truth = {"a": [("???", 1, 1, 5, 5, False)]}
    with pytest.raises(EvaluationError, match="not one label in common"):
        read_annotations([(images, write_voc(tmp_path / "x", truth))], LABELS, lambda _: None)


def test_annotations_without_a_box_are_refused(tmp_path, images):
    with pytest.raises(EvaluationError, match="not one box"):
        read_annotations([(images, write_voc(tmp_path / "x", {"a": []}))], LABELS, pytest.fail)


def test_boxes_without_category_or_inside_out_are_named(tmp_path, images, said):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["annotations"] += [
        {"image_id": 0, "category_id": 55, "bbox": [0, 0, 1, 1]},
        {"image_id": 0, "category_id": 7, "bbox": [9, 9, -1, 1]},
    ]
    path.write_text(json.dumps(content))
    assert truth_of(read_annotations([(images, path)], LABELS, said.append)) == EXPECTED
    assert "55" in said[0]
    assert "-1.0" in said[1]


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "d/" * 5000, "a\0.png"])
def test_names_that_no_file_can_have_are_missing_pictures(tmp_path, images, said, name):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["images"].append({"id": 55, "file_name": name})
    path.write_text(json.dumps(content))
    assert truth_of(read_annotations([(images, path)], LABELS, said.append)) == EXPECTED
    assert "pictures that are not in" in said[0]


def test_two_pictures_of_one_id_are_refused(tmp_path, images):
    path = write_coco(tmp_path / "truth.json")
    content = json.loads(path.read_text())
    content["images"][1]["id"] = 0
    path.write_text(json.dumps(content))
    with pytest.raises(EvaluationError, match="2 pictures have the id 0"):
        read_annotations([(images, path)], LABELS, pytest.fail)


@pytest.mark.parametrize(
    "data",
    [
        *(b"[1]", b'{"images": []}', b'{"images": 3', b"{" * 100_000),
        b'{"other": ' + b"[" * 100_000,
        COCO_BYTES.replace(b"a.png", b"\xff.png"),
        COCO_BYTES.replace(b"12", b"1e999"),
    ],
)
def test_json_that_is_not_coco_is_refused(tmp_path, images, data):
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(EvaluationError, match="not annotations in COCO's format"):
        read_annotations([(images, tmp_path / "bad.json")], LABELS, pytest.fail)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty; expected COCO's JSON"),
        (b"\x89PNG\r\n", "not annotations; expected"),
        (b"<annotation/>", "give the folder"),
        (b"a.png\t3\n", "has classes"),
        (None, "No such file"),
    ],
)
def test_files_in_no_known_format_are_refused(tmp_path, images, data, reason):
    if data is not None:
        (tmp_path / "bad").write_bytes(data)
    with pytest.raises(EvaluationError, match=reason):
        read_annotations([(images, tmp_path / "bad")], LABELS, pytest.fail)


def test_folders_in_no_known_format_are_refused(tmp_path, images):
    with pytest.raises(EvaluationError, match="no annotations in this folder"):
        read_annotations([(images, images)], LABELS, pytest.fail)
    write_yolo(write_voc(tmp_path / "both"))
    with pytest.raises(EvaluationError, match="both"):
        read_annotations([(images, tmp_path / "both")], LABELS, pytest.fail)
    with pytest.raises(EvaluationError, match="no such folder"):
        read_annotations([(tmp_path / "none", tmp_path / "both")], LABELS, pytest.fail)


def test_annotations_may_lie_beside_the_pictures(images):
    write_voc(images)
    assert truth_of(read_annotations([(images, images)], LABELS, pytest.fail)) == EXPECTED


def test_a_corrupt_file_is_named_and_its_picture_left_out(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml")
    (folder / "b.xml").write_text("<annotation><object>")
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    (line,) = said
    assert "b.xml (not XML" in line


def test_a_picture_renamed_with_its_xml_is_found_by_the_xml_s_name(tmp_path, images):
    folder = tmp_path / "xml"
    folder.mkdir()
    (folder / "a.xml").write_text(voc_text("IMG_0001", TRUTH["a"]))
    (folder / "other.xml").write_text(voc_text("C:\\pictures\\b", TRUTH["b"]))
    found = truth_of(read_annotations([(images, folder)], LABELS, pytest.fail))
    assert found == {name: EXPECTED[name] for name in ("a.png", "b.png")}


def test_two_files_for_one_picture_are_named_not_counted_twice(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml", {"a": TRUTH["a"]})
    (folder / "z.xml").write_text(voc_text("a", TRUTH["a"]))
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert len(annotated.images) == 1
    assert "z.xml (a second one for a.png)" in said[0]


def test_two_pictures_for_one_file_are_not_guessed_between(tmp_path, images, said):
    (images / "b.jpg").write_bytes((images / "b.png").read_bytes())
    folder = write_yolo(tmp_path / "txt", {"a": TRUTH["a"], "b": TRUTH["b"]})
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert list(truth_of(annotated)) == ["a.png"]
    assert "b.txt (fits b.jpg and b.png)" in said[0]


def test_entities_are_refused_before_they_grow(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml")
    bomb = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><annotation>&m;</annotation>'
    (folder / "b.xml").write_text(bomb)
    (folder / "c.xml").write_bytes(bomb.encode("utf-16"))
    read_annotations([(images, folder)], LABELS, said.append)
    assert said[0].count("declares a document type") == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("<xmax>24</xmax>", ""), "bndbox/xmax is ''"),
        (("<xmax>24</xmax>", "<xmax>nan</xmax>"), "bndbox/xmax is 'nan'"),
        (("<xmax>24</xmax>", "<xmax>3</xmax>"), "the wrong way round"),
        (("<name>person</name>", ""), "without a name"),
        (("annotation>", "svg>"), "<svg> where <annotation>"),
    ],
)
def test_what_is_wrong_in_a_voc_file_is_said(tmp_path, images, said, change, reason):
    folder = write_voc(tmp_path / "xml")
    (folder / "a.xml").write_text((folder / "a.xml").read_text().replace(*change))
    read_annotations([(images, folder)], LABELS, said.append)
    assert reason in said[0]


@pytest.mark.parametrize("encoding", ["foo", "utf-7", "shift-jis", "idna", "hex"])
def test_xml_in_encodings_that_expat_cannot_read_is_left_out(tmp_path, images, said, encoding):
    folder = write_voc(tmp_path / "xml")
    (folder / "c.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>')
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "b.png"]
    assert "c.xml (not XML: " in said[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.1", "line 1: 4 words"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line 1: 6 words"),
        ("\n\nx 0.5 0.5 0.1 0.1", "line 3: not 5 numbers"),
        ("3 0.5 0.5 0.1 0.1", "class 3, but 3 have names"),
        ("-1 0.5 0.5 0.1 0.1", "class -1"),
        ("0 0.5 0.5 nan 0.1", "not 5 numbers"),
        ("0 320 240 0.1 0.1", "not within 0 to 1"),
    ],
)
def test_what_is_wrong_in_a_yolo_file_is_said(tmp_path, images, said, line, reason):
    folder = write_yolo(tmp_path / "txt")
    (folder / "b.txt").write_text(line)
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    assert reason in said[0]


def test_yolo_without_names_takes_the_bundle_s_labels_and_says_so(tmp_path, images, said):
    folder = write_yolo(tmp_path / "txt", classes=("person", "cat", "dog"), named=False)
    assert truth_of(read_annotations([(images, folder)], LABELS, said.append)) == EXPECTED
    (line,) = said
    assert "'person' and class 2 for 'dog'" in line


def test_yolo_of_an_unreadable_picture_is_left_out(tmp_path, images, said):
    (images / "b.png").write_bytes(b"no picture")
    annotated = read_annotations([(images, write_yolo(tmp_path / "t"))], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    assert "not a picture" in said[0]


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


@given(mutated(voc_text("a", TRUTH["a"]).encode()) | st.binary(max_size=40))
def test_no_voc_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "xml" / "a.xml", data).parent, data)


@given(mutated(yolo_text("a", TRUTH["a"], ["dog", "person"]).encode()) | st.binary(max_size=40))
def test_no_yolo_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "txt" / "a.txt", data).parent, data)


@given(mutated(b"dog\nperson"))
def test_no_yolo_class_list_raises_anything_else(data):
    def write(folder, data):
        write_yolo(folder / "txt", {"a": TRUTH["a"]})
        return put(folder / "txt" / "classes.txt", data).parent

    read_mutated(write, data)


@given(mutated(COCO_BYTES))
def test_no_coco_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "truth.json", data), data)
