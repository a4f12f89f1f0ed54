from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation.predict import look_here
from convert.tuning.evaluator import Evaluator
from device.bundle.bundle import Bundle

SEEN, UNSEEN = list(range(0, 32, 2)), list(range(1, 32, 2))


@pytest.fixture(scope="module")
def evaluator(built, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    bundle = Bundle(built / "bundle")
    return Evaluator(bundle, [(built / "pictures", None)], scratch, pytest.fail)


SPOILED = (0, 2, 4, 6, 1)  # of 32 pictures, four of which are among those seen


@pytest.fixture(scope="module")
def spoiled(evaluator):
    """As float32, but for another first choice on some pictures."""
    found = [array.copy() for array in evaluator.reference]
    for image in SPOILED:
        found[image][0, 0] = (found[image][0, 0] + 1) % 5
    return evaluator.judge(found)


def test_file_looks_at_every_picture_and_float32_agrees_with_itself(evaluator, built):
    bundle = built / "bundle"
    files = {name: (bundle / f"{name}.tflite").read_bytes() for name in ("int8", "float32")}
    looks = evaluator.look({"one": files["int8"], "again": files["float32"]})
    assert [len(item.found) for item in looks.values()] == [32, 32]
    assert evaluator.metric == "agreement"
    assert evaluator.power == 0.5
    assert evaluator.score == 100.0
    assert evaluator.drop(looks["again"]) == 0.0
    assert evaluator.spread(looks["again"], 0) == ((0.0, 0.0), 0.0)


def test_drop_is_in_points_of_the_pictures_chosen(evaluator, spoiled):
    assert evaluator.drop(spoiled) == pytest.approx(100 * 5 / 32)
    assert evaluator.drop(spoiled, SEEN) == pytest.approx(100 * 4 / 16)
    assert evaluator.drop(spoiled, UNSEEN) == pytest.approx(100 * 1 / 16)


def test_joined_looks_have_of_each_its_own_pictures(evaluator, spoiled):
    joined = evaluator.joined([(spoiled, SEEN)])  # and float32 on the others
    assert evaluator.drop(joined) == pytest.approx(100 * 4 / 32)
    assert evaluator.drop(joined, UNSEEN) == 0.0
    both = evaluator.joined([(spoiled, SEEN), (spoiled, UNSEEN)])
    assert evaluator.drop(both) == evaluator.drop(spoiled)


def test_interval_is_around_the_drop_and_the_same_for_the_same_seed(evaluator, spoiled):
    interval, deviation = evaluator.spread(spoiled, 1)
    assert interval is not None
    assert interval[0] < evaluator.drop(spoiled) < interval[1]
    # Of a share p of n pictures, drawn again: sqrt(p (1 - p) / n).
    assert deviation == pytest.approx(100 * (5 / 32 * 27 / 32 / 32) ** 0.5, rel=0.15)
    assert evaluator.spread(spoiled, 1) == (interval, deviation)
    assert evaluator.spread(spoiled, 2)[1] != deviation


def test_bundle_and_its_folder_stay_as_they_are(evaluator, built):
    evaluator.look({"one": (built / "bundle" / "int8.tflite").read_bytes()})
    names = {path.name for path in (built / "bundle").iterdir()}
    assert names == {"float32.tflite", "int8.tflite", "labels.txt", "manifest.json", "samples"}
    Bundle(built / "bundle").verify()


def test_labels_are_truth_where_there_are_any(built, tmp_path, evaluator):
    best = [int(found[0, 0]) for found in evaluator.reference]
    wrong = [(item + 1) % 5 if number < 8 else item for number, item in enumerate(best)]
    rows = [f"{n:02}.png\t{item}\tn0\tclass {item}" for n, item in enumerate(wrong)]
    table = tmp_path / "labels.tsv"
    table.write_text("file\tclass_index\twnid\tname\n" + "\n".join(rows) + "\n")
    bundle = Bundle(built / "bundle")
    labelled = Evaluator(bundle, [(built / "pictures", table)], tmp_path, pytest.fail)
    assert labelled.metric == "top-1"
    assert labelled.score == 75.0  # 8 of 32 are said to be others


def test_picture_that_cannot_be_read_is_left_out_with_a_warning(built, tmp_path):
    for number in range(4):
        shutil.copy(built / "pictures" / f"{number:02}.png", tmp_path)
    (tmp_path / "zz.jpg").write_bytes(b"no picture")
    said: list[str] = []
    bundle = Bundle(built / "bundle")
    evaluator = Evaluator(bundle, [(tmp_path, None)], tmp_path, said.append)
    assert [path.name for path in evaluator.paths] == ["00.png", "01.png", "02.png", "03.png"]
    (warning,) = said
    assert warning.startswith("left out: ")
    assert "zz.jpg" in warning


def test_three_pictures_are_too_few(built, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((32, 32, 3), 40 * number, np.uint8))
    with pytest.raises(EvaluationError, match="3 pictures that can be read: too few to halve"):
        Evaluator(Bundle(built / "bundle"), [(tmp_path, None)], tmp_path, pytest.fail)


def test_another_looker_looks_at_every_picture(built, tmp_path):
    asked = []

    def looker(panel, images):
        asked.append((panel.variants, len(images)))
        return look_here(panel, images, processes=1)

    bundle = Bundle(built / "bundle")
    evaluator = Evaluator(bundle, [(built / "pictures", None)], tmp_path, pytest.fail, looker)
    int8 = (built / "bundle" / "int8.tflite").read_bytes()
    evaluator.look({"candidate": int8})
    assert asked == [(("float32",), 32), (("candidate",), 32)]
