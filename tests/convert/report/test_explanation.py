from __future__ import annotations

import shutil

from convert.evaluation.accuracy import Disagreement, SeenObject
from convert.report.page import report
from tests.helpers.measured_report import accuracy_of, write_accuracy
from tests.helpers.outline import Outline


def test_disagreements_are_shown_where_their_pictures_can_be_read(bundle, manifest, tmp_path):
    shutil.copy(bundle / "samples" / "cat.jpg", tmp_path / "one.jpg")
    variants = {
        "float32": (SeenObject("cat", 0.6, (10.0, 10.0, 200.0, 200.0)),),
        "int8": (SeenObject("dog", 0.55, (10.0, 10.0, 200.0, 200.0)),),
    }
    shown = [Disagreement(str(tmp_path), name, 2, variants) for name in ("gone.jpg", "one.jpg")]
    write_accuracy(bundle, accuracy_of(manifest, disagreements=tuple(shown)))
    page = report(bundle).read_text()
    assert "one.jpg</strong> Only float32: cat 60%. Only int8: dog 55%." in page
    assert "gone.jpg" not in page
    assert len(Outline(page).all("img")) == 2


def test_samples_are_shown_where_no_measured_picture_can_be_read(bundle, manifest, tmp_path):
    gone = Disagreement(str(tmp_path), "gone.jpg", 1, {"float32": (), "int8": ()})
    write_accuracy(bundle, accuracy_of(manifest, disagreements=(gone,)))
    page = report(bundle).read_text()
    assert "own samples" in page
    assert len(Outline(page).all("img")) == 2 * len(manifest.samples)
