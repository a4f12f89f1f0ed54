from __future__ import annotations

import pytest

from convert.cli import main
from convert.slimming.log import read_log
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from tests.convert.training.shapes import draw_dataset
from tests.helpers.annotation_files import write_coco
from tests.helpers.tiny_bundle import write_bundle, write_images


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    write_images(folder / "images")
    write_bundle(folder / "own", folder / "images")
    return folder / "own"


def error_of(capsys):
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say how much may be lost"),
        (["--cost", "0.5", "--frontier"], "leave one out"),
        (["--cost", "1.5"], "expected less than 1"),
        (["--max-drop", "1", "--annotations", "a.json"], "give both"),
    ],
)
def test_flags_that_do_not_go_together_are_wrong_usage(arguments, said, foreign, capsys):
    assert main(["slim", str(foreign), *arguments]) == 2
    assert said in error_of(capsys)


def test_network_that_is_not_ours_is_refused_with_what_is_needed(foreign, capsys):
    before = sorted(path.name for path in foreign.parent.iterdir())
    assert main(["slim", str(foreign), "--max-drop", "1", "--images", str(foreign.parent)]) == 1
    assert "python -m convert train" in error_of(capsys)
    assert sorted(path.name for path in foreign.parent.iterdir()) == before


@pytest.mark.parametrize("size", ["60", "512"])
def test_size_that_a_smaller_network_cannot_have_is_refused(size, bundle_dir, tmp_path, capsys):
    arguments = ["--size", size, "--max-drop", "1", "--out", str(tmp_path / "out")]
    assert main(["slim", str(bundle_dir), *arguments]) == 2
    assert "expected 64 to 300" in error_of(capsys)


def test_bundle_that_names_no_pictures_asks_for_them(bundle_dir, tmp_path, capsys):
    assert main(["slim", str(bundle_dir), "--cost", "0.9", "--out", str(tmp_path / "out")]) == 2
    assert "name the pictures with --dataset" in error_of(capsys)


def test_too_few_pictures_are_told_and_nothing_is_written(bundle_dir, tmp_path, capsys):
    draw_dataset(tmp_path / "few", train=4, others=1)
    out = tmp_path / "out"
    arguments = ["--cost", "0.9", "--images", str(tmp_path / "few"), "--out", str(out)]
    assert main(["slim", str(bundle_dir), *arguments]) == 1
    assert "pictures to train on" in error_of(capsys)
    assert not out.exists()


@pytest.mark.long
@pytest.mark.filterwarnings(r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning")
def test_trained_detector_becomes_a_cheaper_bundle_that_says_what_was_tried(
    trained, dataset, tmp_path, capsys
):
    whole, out = trained[0], tmp_path / "smaller"
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    pictures = str(dataset.train[0].path.parent)
    shown = ["--images", pictures, "--annotations", str(write_shapes(tmp_path, dataset))]
    arguments = [str(whole), *shown, "--cost", "0.5", "--epochs", "1", "--out", str(out)]
    assert main(["slim", *arguments]) == 0
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before
    smaller, log = Bundle(out), read_log(out)
    smaller.verify()
    assert smaller.labels == Bundle(whole).labels
    assert set(smaller.manifest.variants) == set(Bundle(whole).manifest.variants)
    assert smaller.manifest.input.width < Bundle(whole).manifest.input.width
    assert (out / WEIGHTS).is_file()
    (kept,) = (item for item in log.trials if item.kept)
    assert kept.size == smaller.manifest.input.width
    assert kept.name == "92px-50"  # pixels alone come to 0.56
    assert 0.45 <= kept.cost <= 0.515
    assert f"kept        {kept.name}: {kept.cost:.3f} times the cost" in capsys.readouterr().out
    with Engine(smaller, "int8", threads=1) as engine:
        frames = (Frame(read_image(image.path), at, 0.0) for at, image in enumerate(dataset.test))
        assert any(engine.run(frame).detections for frame in frames)


def write_shapes(folder, dataset):
    truth = {
        image.path.stem: [
            (dataset.classes[number], *box[:2].tolist(), *(box[2:] - box[:2]).tolist(), False)
            for number, box in zip(image.class_ids, image.boxes, strict=True)
        ]
        for image in (*dataset.train, *dataset.validation, *dataset.test)
    }
    return write_coco(folder / "shapes.json", truth, {"disc": 1, "square": 2})
