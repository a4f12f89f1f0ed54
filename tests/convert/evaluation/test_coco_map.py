from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from convert.annotations.read import AnnotatedSet, read_annotations
from convert.evaluation.bootstrap import draw_weights, interval
from convert.evaluation.coco_map import mean_average_precision, resampled_precision
from convert.evaluation.evaluate import precision_figures

LABELS = ("background", "person", "cat", "dog")


def make_set(folder, images) -> AnnotatedSet:
    """``pictures``: per picture a list of (class id, x, y, width, height[, crowd])."""
    (folder / "1.jpg").write_bytes(b"x")
    truth = {
        "images": [{"id": n, "file_name": "1.jpg"} for n in range(len(images))],
        "categories": [{"id": n, "name": LABELS[n]} for n in (1, 2, 3)],
        "annotations": [
            {"image_id": n, "category_id": c, "bbox": box[:4], "iscrowd": int(len(box) > 4)}
            for n, boxes in enumerate(images)
            for c, *box in boxes
        ],
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    return read_annotations([(folder, folder / "truth.json")], LABELS, pytest.fail)


def row(bbox, score=0.9, image_id=1, category_id=1):
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "score": score}


def measure(annotated, rows):
    return mean_average_precision(annotated, rows, list(annotated.images))


def by_pycocotools(annotated, rows):
    """All twelve figures, as everybody who uses pycocotools gets them."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(annotated.truth, annotated.truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.fixture
def one_box(tmp_path) -> AnnotatedSet:
    """One picture with one person at (10, 20), 30 by 40 pixels."""
    return make_set(tmp_path, [[(1, 10, 20, 30, 40)]])


def figures(precision):
    return precision.map, precision.map_50


def test_exact_box_has_precision_one(one_box):
    found = measure(one_box, [row([10, 20, 30, 40])])
    assert figures(found) == pytest.approx((1, 1))
    assert found.classes == {"person": pytest.approx(1)}


def test_box_of_iou_three_quarters_counts_up_to_there(one_box):
    # 30 x 30 of 30 x 40: IoU 0.75 passes at 0.50, 0.55, ... 0.75, that is 6 of 10 thresholds.
    assert figures(measure(one_box, [row([10, 20, 30, 30])])) == pytest.approx((0.6, 1))


def test_better_scored_false_box_halves_precision(one_box):
    rows = [row([100, 100, 30, 40], 0.95), row([10, 20, 30, 40], 0.9)]
    assert figures(measure(one_box, rows)) == pytest.approx((0.5, 0.5))


def test_nothing_found_has_precision_zero(one_box):
    found = measure(one_box, [])
    assert figures(found) == (0.0, 0.0)
    assert found.classes == {"person": 0.0}
    assert resampled_precision(found.matches, np.ones((3, 1), np.int32)).tolist() == [0, 0, 0]


def test_classes_are_averaged_and_told_apart(tmp_path):
    annotated = make_set(tmp_path, [[(1, 10, 20, 30, 40), (3, 50, 20, 30, 40)]])
    found = measure(annotated, [row([10, 20, 30, 40]), row([0, 0, 9, 9], category_id=3)])
    assert found.classes == {"person": pytest.approx(1), "dog": 0.0}
    assert found.map == pytest.approx(0.5)


def test_recall_of_each_size_is_of_the_objects_of_that_area(tmp_path):
    boxes = [(1, 0, 0, 30, 30), (1, 100, 100, 31, 33), (2, 0, 0, 32, 32), (3, 0, 0, 200, 200)]
    annotated = make_set(tmp_path, [[*boxes, (1, 300, 0, 9, 9, "crowd")]])
    found = measure(annotated, [row([0, 0, 30, 30]), row([0, 0, 32, 32], category_id=2)])
    # 900 and 1,023 pixels are small, 1,024 are not; a crowd does not count.
    assert found.recalls == {"small": 0.5, "medium": 1.0}


def test_pictures_that_are_left_out_do_not_count(tmp_path):
    annotated = make_set(tmp_path, [[(1, 10, 20, 30, 40)], [(1, 1, 1, 5, 5), (2, 1, 1, 9, 9)]])
    found = mean_average_precision(annotated, [row([10, 20, 30, 40])], [1])
    assert found.map == pytest.approx(1)
    assert found.classes == {"person": pytest.approx(1)}
    assert [len(item.positives) for item in found.matches] == [1]


def test_resampled_figures_by_hand(tmp_path):
    # A picture where the person is found and one where a false box scores higher than the
    # person, which is missed.
    annotated = make_set(tmp_path, [[(1, 10, 20, 30, 40)], [(1, 10, 20, 30, 40)]])
    rows = [row([10, 20, 30, 40], 0.5, 1), row([200, 200, 30, 40], 0.9, 2)]
    matches = measure(annotated, rows).matches
    weights = np.array([[1, 1], [2, 0], [0, 2], [3, 1], [0, 0]], np.int32)
    # Precision at the place of the true box, for the recalls up to what is found there: 51 of
    # COCO's 101 recalls are at most 1/2, 76 at most 3/4.
    by_hand = [1 / 2 * 51 / 101, 1, 0, 3 / 4 * 76 / 101, np.nan]
    assert resampled_precision(matches, weights) == pytest.approx(by_hand, nan_ok=True)


def test_class_without_an_object_in_the_draw_is_not_averaged(tmp_path):
    annotated = make_set(tmp_path, [[(1, 10, 20, 30, 40)], [(2, 10, 20, 30, 40)]])
    matches = measure(annotated, [row([10, 20, 30, 40])]).matches  # the cat is missed
    weights = np.array([[1, 1], [2, 0], [0, 2]], np.int32)
    assert resampled_precision(matches, weights) == pytest.approx([0.5, 1, 0])


def random_set(seed):
    """Thirty pictures with objects, crowds, near misses, doubles and ghosts of three classes."""
    generator = np.random.default_rng(seed)
    images, rows = [], []
    for image_id in range(1, 31):
        boxes = []
        for _ in range(generator.integers(0, 6)):
            box = generator.uniform([0, 0, 10, 10], [200, 200, 90, 90]).round(1).tolist()
            category = int(generator.integers(1, 4))
            boxes.append((category, *box, *(["crowd"] if generator.random() < 0.15 else [])))
            for _ in range(generator.integers(0, 3)):
                moved = (np.array(box) + generator.normal(0, 4, 4)).clip(1).tolist()
                rows.append(row(moved, float(generator.random()), image_id, category))
        for _ in range(generator.integers(0, 4)):
            box = generator.uniform([0, 0, 10, 10], [200, 200, 90, 90]).tolist()
            category = int(generator.integers(1, 4))
            rows.append(row(box, float(generator.random()), image_id, category))
        images.append(boxes)
    return images, rows


@pytest.mark.parametrize("seed", range(5))
def test_headline_is_what_pycocotools_says(tmp_path, seed):
    images, rows = random_set(seed)
    annotated = make_set(tmp_path, images)
    stats = by_pycocotools(annotated, rows)
    assert figures(measure(annotated, rows)) == (stats[0], stats[1])
    assert 0.05 < stats[0] < 0.95


@pytest.mark.parametrize("seed", range(5))
def test_weights_of_one_give_pycocotools_own_figure(tmp_path, seed):
    images, rows = random_set(seed)
    annotated = make_set(tmp_path, images)
    matches = measure(annotated, rows).matches
    assert any(item.ignored.any() for item in matches)
    (again,) = resampled_precision(matches, np.ones((1, 30), np.int32))
    # The same numbers summed in another order: equal but for the last bits.
    assert again == pytest.approx(by_pycocotools(annotated, rows)[0], abs=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_resampled_figure_is_pycocotools_figure_of_the_drawn_pictures(tmp_path, seed):
    images, rows = random_set(seed)
    matches = measure(make_set(tmp_path, images), rows).matches
    weights = draw_weights(30, seed, 3)
    for draw, figure in zip(weights, resampled_precision(matches, weights), strict=True):
        drawn = np.repeat(np.arange(30), draw)
        copied = [
            {**item, "image_id": number}
            for number, old in enumerate(drawn, start=1)
            for item in rows
            if item["image_id"] == old + 1
        ]
        annotated = make_set(tmp_path, [images[old] for old in drawn])
        assert figure == pytest.approx(by_pycocotools(annotated, copied)[0], abs=1e-14)


def test_blocks_do_not_change_the_figures(tmp_path, monkeypatch):
    images, rows = random_set(1)
    matches = measure(make_set(tmp_path, images), rows).matches
    weights = draw_weights(30, 0, 50)
    whole = resampled_precision(matches, weights)
    monkeypatch.setattr("convert.evaluation.coco_map.BLOCK", 1)
    assert np.array_equal(resampled_precision(matches, weights), whole)


def as_found(rows):
    """Rows per picture as the engine gives them."""
    found = [
        [
            (r["category_id"], r["score"], x, y, x + w, y + h)
            for r in rows
            if r["image_id"] == image_id
            for x, y, w, h in [r["bbox"]]
        ]
        for image_id in range(1, 31)
    ]
    return [np.array(item, float).reshape(-1, 6) for item in found]


def test_paired_interval_of_two_equal_variants_is_zero(tmp_path):
    images, rows = random_set(2)
    annotated, found = make_set(tmp_path, images), as_found(rows)
    weights = draw_weights(30, 0)
    findings = {"int8": found, "float32": found}
    result = precision_figures(annotated, range(1, 31), findings, LABELS, weights)
    assert (result["int8"].drop, result["int8"].drop_interval) == (0.0, (0.0, 0.0))
    assert result["float32"].drop is result["float32"].drop_interval is None


def test_paired_interval_is_narrower_than_that_of_either_and_holds_the_drop(tmp_path):
    images, rows = random_set(3)
    annotated = make_set(tmp_path, images)
    weights = draw_weights(30, 0)
    findings = {"float32": as_found(rows), "int8": as_found(rows[::20] + rows[1::2])}
    result = precision_figures(annotated, range(1, 31), findings, LABELS, weights)
    low, high = result["int8"].drop_interval
    assert low < result["int8"].drop < high
    assert result["int8"].drop == pytest.approx(
        result["float32"].map - result["int8"].map, abs=2e-4
    )
    own = result["float32"].map_interval
    assert own[0] < result["float32"].map < own[1]
    # What unpaired resamples would say.
    other = draw_weights(30, 1)
    samples = [
        resampled_precision(measure(annotated, part).matches, draws)
        for part, draws in ((rows, weights), (rows[::20] + rows[1::2], other))
    ]
    unpaired = interval(samples[0] - samples[1])
    assert high - low < unpaired[1] - unpaired[0]


def test_detections_of_classes_without_truth_do_not_count(tmp_path):
    annotated = make_set(tmp_path, [[(1, 10, 20, 30, 40)]])
    found = [np.array([(1, 0.9, 10, 20, 40, 60), (2, 0.95, 10, 20, 40, 60)], float)]
    weights = np.ones((2, 1), np.int32)
    result = precision_figures(annotated, [1], {"float32": found}, LABELS, weights)
    assert result["float32"].map == 1.0
    assert result["float32"].classes == {"person": 1.0}
