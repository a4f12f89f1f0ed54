"""What is written is what our own readers, and so other tools, read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.voc import parse_voc
from convert.annotations.write import ImageAnnotation, coco_json, voc_xml, yolo_text
from convert.annotations.yolo import parse_yolo
from device.records import Detection

corner = st.integers(0, 90)
side = st.integers(1, 60)
found = st.builds(
    lambda x, y, width, height: Detection(
        0, "cat", 0.9, x, y, min(x + width, 100), min(y + height, 100)
    ),
    corner,
    corner,
    side,
    side,
)


@pytest.fixture
def image(tmp_path):
    box = Detection(1, "dog & cat", 0.87654, -3.0, 10.4, 50.6, 250.0)
    return ImageAnnotation(tmp_path / "a.jpg", 100, 200, (box,))


def test_voc_keeps_label_and_box_within_the_image(image):
    labels = parse_voc(voc_xml(image))
    assert labels.image == "a.jpg"
    assert labels.size == (100, 200)
    assert [(box.label, box.edges) for box in labels.boxes] == [("dog & cat", (0, 10, 51, 200))]


def test_yolo_writes_shares_of_the_sides(image):
    assert yolo_text(image, ["cat", "dog & cat"]) == b"1 0.253000 0.526000 0.506000 0.948000\n"


def test_coco_numbers_classes_from_one_and_keeps_scores(image, tmp_path):
    table = json.loads(coco_json([image], ["cat", "dog & cat"], tmp_path))
    assert table["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog & cat"}]
    assert table["images"] == [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 200}]
    (annotation,) = table["annotations"]
    assert annotation["bbox"] == [0.0, 10.4, 50.6, 189.6]
    assert (annotation["category_id"], annotation["score"]) == (2, 0.8765)


@given(st.lists(found, max_size=4))
def test_yolo_is_read_back(tmp_path_factory, detections):
    image = ImageAnnotation(tmp_path_factory.getbasetemp() / "a.jpg", 100, 100, tuple(detections))
    rows = parse_yolo(yolo_text(image, ["cat"]).decode())
    for row, detection in zip(rows, detections, strict=True):
        assert [100 * edge for edge in row.edges] == pytest.approx(detection.box, abs=0.01)
