from __future__ import annotations

import json
import shutil

import pytest

from convert.annotations import AnnotatedSet, read_annotations
from convert.evaluate import mean_average_precision
from tests.conftest import run_module


@pytest.fixture
def one_box(tmp_path) -> AnnotatedSet:
    """One picture with one person at (10, 20), 30 by 40 pixels."""
    (tmp_path / "1.jpg").write_bytes(b"x")
    path = tmp_path / "truth.json"
    path.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "1.jpg"}],
                "categories": [{"id": 1, "name": "person"}],
                "annotations": [
                    {
                        "image_id": 1,
                        "category_id": 1,
                        "bbox": [10, 20, 30, 40],
                        "area": 1200,
                    }
                ],
            }
        )
    )
    return read_annotations([(tmp_path, path)], pytest.fail)


def row(bbox, score=0.9):
    return {"image_id": 1, "category_id": 1, "bbox": bbox, "score": score}


def test_exact_box_has_precision_one(one_box):
    assert mean_average_precision(one_box, [row([10, 20, 30, 40])]) == pytest.approx((1, 1))


def test_box_of_iou_three_quarters_counts_up_to_there(one_box):
    # 30 x 30 of 30 x 40: IoU 0.75 passes at 0.50, 0.55, ... 0.75, that is 6 of 10 thresholds.
    assert mean_average_precision(one_box, [row([10, 20, 30, 30])]) == pytest.approx((0.6, 1))


def test_better_scored_false_box_halves_precision(one_box):
    rows = [row([100, 100, 30, 40], 0.95), row([10, 20, 30, 40], 0.9)]
    assert mean_average_precision(one_box, rows) == pytest.approx((0.5, 0.5))


def test_nothing_found_has_precision_zero(one_box):
    assert mean_average_precision(one_box, []) == (0.0, 0.0)


def evaluate(bundle_dir, shared_data, tmp_path, names, variants):
    places = {
        "coco128": ("coco128/images/val2017", "coco128/instances_val2017.json"),
        "coco_val": ("coco_val/images", "coco_val/instances.json"),
    }
    arguments = []
    for name in names:
        images, annotations = places[name]
        arguments += ["--images", str(shared_data / images)]
        arguments += ["--annotations", str(shared_data / annotations)]
    for variant in variants:
        arguments += ["--variant", variant]
    figures = tmp_path / "figures.json"
    done = run_module(
        "convert",
        "evaluate",
        str(bundle_dir),
        *arguments,
        "--interpreter",
        "litert",
        "--json",
        str(figures),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(figures.read_text())


@pytest.mark.parametrize(
    ("name", "images", "least"), [("coco128", 128, 0.370), ("coco_val", 361, 0.272)]
)
def test_float32_reaches_the_published_networks_accuracy(
    bundle_dir, shared_data, tmp_path, name, images, least
):
    figures = evaluate(bundle_dir, shared_data, tmp_path, [name], ["float32"])
    assert figures["images"] == images
    assert figures["variants"]["float32"]["map"] >= least


def test_int8_loses_at_most_a_point_on_both_sets_pooled(bundle_dir, shared_data, tmp_path):
    names, variants = ["coco128", "coco_val"], ["float32", "int8"]
    figures = evaluate(bundle_dir, shared_data, tmp_path, names, variants)
    assert figures["images"] == 489
    assert figures["variants"]["int8"]["drop"] <= 0.010


def test_unreadable_picture_is_named_and_left_out(bundle_dir, tmp_path):
    shutil.copy(bundle_dir / "samples" / "person.jpg", tmp_path / "1.jpg")
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    box = {"category_id": 1, "bbox": [0, 0, 300, 500], "area": 150000}
    truth = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in (1, 2)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": n, **box} for n in (1, 2)],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    done = run_module(
        "convert",
        "evaluate",
        str(bundle_dir),
        "--images",
        str(tmp_path),
        "--annotations",
        str(tmp_path / "truth.json"),
        "--variant",
        "int8",
    )
    assert done.returncode == 0
    assert "left out:" in done.stderr
    assert "2.jpg" in done.stderr
    assert " on 1 pictures" in done.stdout


def test_annotations_without_a_common_label_are_refused(bundle_dir, tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"x")
    truth = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": 1, "name": "unicorn"}],
        "annotations": [],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    done = run_module(
        "convert",
        "evaluate",
        str(bundle_dir),
        "--images",
        str(tmp_path),
        "--annotations",
        str(tmp_path / "truth.json"),
    )
    assert done.returncode == 1
    assert "not one label in common" in done.stderr


def test_sets_that_do_not_pair_up_are_a_usage_error(bundle_dir):
    done = run_module(
        "convert",
        "evaluate",
        str(bundle_dir),
        "--images",
        "a",
        "--images",
        "b",
        "--annotations",
        "c",
    )
    assert done.returncode == 2
