from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convert.evaluation.accuracy import AccuracyFigures
from convert.evaluation.evaluate import agreement_figures, class_figures, evaluate_bundle, hits
from device.bundle.bundle import Bundle
from device.errors import UsageError
from tests.conftest import ROOT, run_module
from tests.helpers.children import children_of, start, wait_until

LABELS = ("background", "person", "cat")
PERSON = (1, 0.9, 0, 0, 10, 10)
FAINT = (1, 0.3, 50, 50, 60, 60)
CAT = (2, 0.8, 20, 20, 30, 30)


@pytest.fixture
def bundle(bundle_dir, tmp_path) -> Path:
    """The bundle where figures may be left in it, its files not copied."""
    shutil.copytree(bundle_dir, tmp_path / "bundle", copy_function=os.symlink)
    (tmp_path / "bundle" / "accuracy.json").unlink(missing_ok=True)
    return tmp_path / "bundle"


@pytest.fixture
def one_person(bundle_dir, tmp_path) -> Path:
    """A folder with a picture of a person, and ``truth.json`` beside it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(bundle_dir / "samples" / "person.jpg", folder / "1.jpg")
    write_truth(folder / "truth.json", 1)
    return folder


def write_truth(path, images, name="person"):
    box = {"category_id": 1, "bbox": [0, 0, 300, 500], "area": 150000}
    numbers = range(1, images + 1)
    truth = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in numbers],
        "categories": [{"id": 1, "name": name}],
        "annotations": [{"image_id": n, **box} for n in numbers],
    }
    path.write_text(json.dumps(truth))


def evaluate(bundle, *arguments):
    return run_module("convert", "evaluate", *map(str, (bundle, *arguments)))


def shared_sets(shared_data, names):
    places = {
        "coco128": ("coco128/images/val2017", "coco128/instances_val2017.json"),
        "coco_val": ("coco_val/images", "coco_val/instances.json"),
    }
    for name in names:
        images, annotations = places[name]
        yield from ("--images", shared_data / images)
        yield from ("--annotations", shared_data / annotations)


def found(*rows, width=6):
    return np.array(rows, float).reshape(-1, width)


def test_agreement_of_detectors_by_hand():
    findings = {
        "float32": [found(PERSON, FAINT), found(CAT), found()],
        "int8": [found(PERSON), found(PERSON), found()],
    }
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 3, 0], [0, 0, 3]], np.int32)
    figures = agreement_figures(findings, LABELS, 0.5, weights)
    # Four detections are sure enough, two of which match each other.
    assert figures["int8"].agreement == 0.5
    assert figures["float32"] == AccuracyFigures(agreement=1.0, agreement_interval=(1.0, 1.0))
    # The resamples say 1/2, 1 and 0, and nothing where nobody finds anything.
    assert figures["int8"].agreement_interval == pytest.approx((0.025, 0.975))


def test_agreement_of_variants_that_find_nothing_is_complete():
    findings = {"float32": [found()], "int8": [found(FAINT)]}
    figures = agreement_figures(findings, LABELS, 0.5, np.ones((3, 1), np.int32))
    assert figures["int8"] == AccuracyFigures(agreement=1.0)


def test_agreement_of_classifiers_is_the_share_of_equal_first_choices():
    one, two = found((1, 0.9), (2, 0.1), width=2), found((2, 0.5), (1, 0.4), width=2)
    findings = {"float32": [one, one, one, two], "int8": [one, two, one, two]}
    figures = agreement_figures(findings, LABELS, 0.5, np.ones((3, 4), np.int32))
    assert figures["int8"] == AccuracyFigures(agreement=0.75, agreement_interval=(0.75, 0.75))


RANKED = found((7, 0.5), (3, 0.3), (4, 0.1), (1, 0.1), (9, 0.0), width=2)


@pytest.mark.parametrize(
    ("true_id", "top1", "top5"), [(7, 1, 1), (3, 0, 1), (1, 0, 1), (9, 0, 0), (5, 0, 0)]
)
def test_a_class_is_hit_among_the_first_unless_it_is_scored_zero(true_id, top1, top5):
    assert hits([RANKED], [true_id], 1).tolist() == [top1]
    assert hits([RANKED], [true_id], 5).tolist() == [top5]


def test_classes_by_hand():
    right, second = found((1, 0.9), (2, 0.1), width=2), found((2, 0.9), (1, 0.1), width=2)
    findings = {"int8": [right, second], "float32": [right, right]}
    weights = np.array([[2, 0], [0, 2]], np.int32)
    figures = class_figures([1, 1], findings, weights)
    assert (figures["float32"].top1, figures["float32"].top5) == (1.0, 1.0)
    assert (figures["int8"].top1, figures["int8"].top5) == (0.5, 1.0)
    assert figures["float32"].drop is None
    assert figures["int8"].drop == 0.5
    # One resample drops nothing, the other everything: 2.5 % of the way from either end.
    assert figures["int8"].top1_interval == pytest.approx((0.025, 0.975))
    assert figures["int8"].drop_interval == pytest.approx((0.025, 0.975))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "images", "least"), [("coco128", 128, 0.370), ("coco_val", 361, 0.272)]
)
def test_float32_reaches_the_published_networks_accuracy(
    bundle, shared_data, tmp_path, name, images, least
):
    arguments = [*shared_sets(shared_data, [name]), "--interpreter", "litert"]
    figures = tmp_path / "figures.json"
    done = evaluate(bundle, *arguments, "--variant", "float32", "--json", figures)
    assert done.returncode == 0, done.stderr
    found = json.loads(figures.read_text())
    assert found["images"] == images
    float32 = found["variants"]["float32"]
    assert float32["map"] >= least
    low, high = float32["map_interval"]
    assert low < float32["map"] < high
    assert len(float32["classes"]) > 60
    assert np.mean(list(float32["classes"].values())) == pytest.approx(float32["map"], abs=1e-4)


@pytest.mark.long
def test_int8_loses_at_most_a_point_on_both_sets_pooled(bundle, shared_data):
    arguments = [*shared_sets(shared_data, ["coco128", "coco_val"]), "--interpreter", "litert"]
    done = evaluate(bundle, *arguments, "--variant", "float32", "--variant", "int8")
    assert done.returncode == 0, done.stderr
    found = json.loads((bundle / "accuracy.json").read_text())
    assert found["images"] == 489
    float32, int8 = found["variants"]["float32"], found["variants"]["int8"]
    assert int8["drop"] <= 0.010
    low, high = int8["drop_interval"]
    assert low < int8["drop"] < high
    own = float32["map_interval"]
    assert high - low < (own[1] - own[0]) / 2
    assert 0 < len(found["disagreements"]) <= 12
    worst = found["disagreements"][0]
    assert (Path(worst["folder"]) / worst["file"]).is_file()
    assert worst["variants"].keys() == {"float32", "int8"}


def test_yolo_text_of_the_shared_pictures_gives_the_figure_of_their_json(
    bundle, shared_data, tmp_path
):
    images = shared_data / "coco128/images/val2017"
    maps = []
    for truth in ("object_detection/labels/val2017", "instances_val2017.json"):
        arguments = ["--images", images, "--annotations", shared_data / "coco128" / truth]
        done = evaluate(bundle, *arguments, "--variant", "int8")
        assert done.returncode == 0, done.stderr
        maps.append(json.loads((bundle / "accuracy.json").read_text())["variants"]["int8"]["map"])
    # YOLO's text does not mark the eight crowds.
    assert maps[0] == pytest.approx(maps[1], abs=0.002)


def test_without_annotations_agreement_with_float32_is_measured(bundle, one_person):
    done = evaluate(bundle, "--images", one_person, "--variant", "int8")
    assert done.returncode == 0, done.stderr
    assert "agreement" in done.stdout
    variants = json.loads((bundle / "accuracy.json").read_text())["variants"]
    assert list(variants) == ["int8"]
    assert variants["int8"]["agreement"] == 1.0


@pytest.mark.parametrize("only", ["int8", "float32"])
def test_bundle_of_a_finished_file_asks_for_annotations(bundle, one_person, only):
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["variants"] = {only: manifest["variants"][only]}
    path.unlink()  # a link to what others read
    path.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=f"nothing to compare {only} with.*give --annotations"):
        evaluate_bundle(bundle, [(one_person, None)], None, "auto", lambda _: None)


def test_same_seed_same_file_whatever_else(bundle, one_person, tmp_path):
    files = [tmp_path / "1.json", tmp_path / "2.json"]
    for file in files:
        arguments = ["--images", one_person, "--annotations", one_person / "truth.json"]
        done = evaluate(bundle, *arguments, "--variant", "int8", "--seed", 3, "--json", file)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes() == (bundle / "accuracy.json").read_bytes()


def test_pictures_that_calibrated_int8_are_told(bundle, one_person):
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["provenance"]["calibration"] = [str(one_person / "1.jpg"), "/gone/2.jpg"]
    (bundle / "manifest.json").unlink()  # a link to the bundle that all tests share
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    done = evaluate(bundle, "--images", one_person, "--variant", "int8")
    assert done.returncode == 0, done.stderr
    assert "int8 was calibrated on 1 of these 1 pictures (1.jpg)" in done.stderr


def test_unreadable_picture_is_named_and_left_out(bundle, one_person):
    (one_person / "2.jpg").write_bytes(b"no picture")
    write_truth(one_person / "truth.json", 2)
    arguments = ["--images", one_person, "--annotations", one_person / "truth.json"]
    done = evaluate(bundle, *arguments, "--variant", "int8")
    assert done.returncode == 0, done.stderr
    assert "left out:" in done.stderr
    assert "2.jpg" in done.stderr
    assert " on 1 pictures" in done.stdout
    # Half the persons are on the picture that is left out: they are not missed.
    assert json.loads((bundle / "accuracy.json").read_text())["variants"]["int8"]["map_50"] == 1


def test_a_bundle_that_cannot_be_written_to_is_measured_all_the_same(bundle, one_person, tmp_path):
    (bundle / "accuracy.json").mkdir()
    (bundle / "accuracy.json" / "in the way").touch()
    file = tmp_path / "figures.json"
    done = evaluate(bundle, "--images", one_person, "--variant", "int8", "--json", file)
    assert done.returncode == 0
    assert "not left in the bundle" in done.stderr
    assert file.is_file()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("truth.json", None, "not one label in common"),
        ("truth.json", "{}", "not annotations in COCO's format"),
        ("labels.tsv", "1.jpg\t3\n", "a detector is measured with boxes"),
        ("other.txt", "what is this", "expected COCO's JSON"),
    ],
)
def test_annotations_that_do_not_fit_are_refused_in_one_line(
    bundle, one_person, name, text, message
):
    if text is None:
        write_truth(one_person / name, 1, "unicorn")
    else:
        (one_person / name).write_text(text)
    done = evaluate(bundle, "--images", one_person, "--annotations", one_person / name)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (bundle / "accuracy.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--images", "a", "--images", "b", "--annotations", "c"],
        ["--images", "a", "--seed", "-1"],
        ["--images", ".", "--variant", "int4"],
        [],
    ],
)
def test_wrong_usage_exits_with_two(bundle_dir, arguments):
    assert evaluate(bundle_dir, *arguments).returncode == 2


@pytest.mark.parametrize("images", ["none", "empty"])
def test_folders_without_pictures_are_refused(bundle, tmp_path, images):
    (tmp_path / "empty").mkdir()
    done = evaluate(bundle, "--images", tmp_path / images)
    assert done.returncode == 1
    assert "no such folder" in done.stderr or "no pictures in this folder" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to interrupt")
def test_ctrl_c_ends_all_processes_without_a_traceback(bundle, bundle_dir, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.jpg").symlink_to(bundle_dir / "samples" / "person.jpg")
    # The interrupt comes when processes that look at pictures are seen to run.
    with start(
        [sys.executable, "-m", "convert", "evaluate", str(bundle), "--images", str(folder)],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until(lambda: process.poll() is not None or len(children_of(process.pid)) >= 2)
        started = children_of(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    assert err == "interrupted: nothing was left half-written\n"
    assert not (bundle / "accuracy.json").exists()
    assert started


def test_another_looker_looks_at_every_picture(bundle_dir, one_person):
    asked, labels = [], Bundle(bundle_dir).labels

    def looker(panel, images):
        asked.append((panel.variants, images))
        row = [labels.index("person"), 0.9, 0, 0, 300, 500]
        return [{name: np.array([row], np.float64) for name in panel.variants}]

    sets = [(one_person, one_person / "truth.json")]
    figures = evaluate_bundle(bundle_dir, sets, ("int8",), "litert", pytest.fail, looker=looker)
    assert asked == [(("int8",), [one_person / "1.jpg"])]
    assert figures.variants["int8"].map == 1.0
