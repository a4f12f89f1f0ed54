from __future__ import annotations

import pytest

from convert.evaluation.evaluate import evaluate_bundle
from convert.report.page import report
from device.bundle.bundle import Bundle
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame
from tests.convert.build.conftest import CLASSIFIER_SIZE

# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


def test_trained_bundle_tells_the_classes_apart(classified, dataset):
    bundle = Bundle(classified[0])
    bundle.verify()
    right = 0
    with Engine(bundle, "int8", threads=1, threshold=0.0) as engine:
        for number, image in enumerate(dataset.test):
            found = engine.run(Frame(read_image(image.path), number, 0.0)).classes
            right += found[0].class_id == image.class_ids[0]
    assert right >= 7  # of 8


def test_trained_bundle_says_what_it_is(classified, dataset):
    manifest = Bundle(classified[0]).manifest
    assert manifest.task == "classification"
    assert set(manifest.variants) == {"float32", "float16", "dynamic", "int8"}
    assert manifest.class_thresholds.keys() == set(dataset.classes)
    assert manifest.input.width == CLASSIFIER_SIZE
    assert len(manifest.samples) == 2


def test_bundle_is_reviewed_and_its_report_shows_it(classified, dataset):
    folder, review = classified[0], classified[3]
    assert (review.split, review.images) == ("test", len(dataset.test))
    assert [item.boxes for item in review.classes] == [4, 4]
    assert review.score >= 0.875
    page = report(folder, folder.parent / "report.html").read_text("utf-8")
    assert 'id="training"' in page
    assert "Image</th>" in page


def test_bundle_is_evaluated(classified, dataset, tmp_path):
    table = tmp_path / "classes.tsv"
    folder = dataset.test[0].path.parent
    rows = (f"{image.path.name}\t{image.class_ids[0]}\n" for image in dataset.test)
    table.write_text("".join(rows))
    found = evaluate_bundle(
        folder=classified[0],
        sets=[(folder, table)],
        variants=["float32"],
        interpreter="auto",
        warn=pytest.fail,
    )
    assert found.variants["float32"].top1 == pytest.approx(classified[3].score, abs=1e-4)
