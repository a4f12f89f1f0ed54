from __future__ import annotations

import pytest

from convert.cli import main
from convert.quantization import flatbuffer
from convert.tuning.half_search import HalfSearch
from convert.tuning.log import TUNING, finalists, read_log
from device.bundle.bundle import Bundle
from device.inference.interpreter import Interpreter
from tests.helpers.tiny_bundle import pixels
from tests.helpers.tuning import tune, write_labels

pytestmark = pytest.mark.usefixtures("no_measured_time")


@pytest.mark.long
def test_tune_wins_back_what_int8_loses_and_adds_the_variant(tiny_bundle, built, capsys):
    assert tune(tiny_bundle, built / "pictures", "15") == 0
    manifest = Bundle(tiny_bundle).manifest
    Bundle(tiny_bundle).verify()
    assert manifest.variants["tuned"].recipe["max_drop_points"] == 15
    assert manifest.variants["tuned"].checks["litert"].ok
    log = read_log(tiny_bundle)
    float32 = tiny_bundle / "float32.tflite"
    assert log.met
    assert log.finished
    assert log.drop <= 15
    assert log.drop < log.int8_drop / 2
    assert log.float32_cost > 0
    assert len(log.layers) == len(flatbuffer.operators(flatbuffer.read(float32.read_bytes())))
    assert {item.name for item in finalists(log)} >= {"int8", log.kept}
    assert "tuned" in capsys.readouterr().out
    images = str(built / "pictures")
    assert main(["evaluate", str(tiny_bundle), "--images", images, "--variant", "tuned"]) == 0
    assert main(["report", str(tiny_bundle)]) == 0
    assert "tuning-chart" in (tiny_bundle / "report.html").read_text("utf-8")


def test_interrupt_keeps_the_best_so_far(tiny_bundle, built, capsys, monkeypatch, no_time):
    run, searched = HalfSearch.run, []

    def interrupted(self, deadline_s):
        if searched:
            raise KeyboardInterrupt
        searched.append(self)
        return run(self, deadline_s)

    monkeypatch.setattr(HalfSearch, "run", interrupted)
    assert tune(tiny_bundle, built / "pictures", "30", *no_time) == 0
    assert "the best so far is kept" in capsys.readouterr().err
    Bundle(tiny_bundle).verify()
    assert "tuned" in Bundle(tiny_bundle).manifest.variants
    assert not read_log(tiny_bundle).finished


def test_interrupt_before_anything_is_judged_changes_nothing(tiny_bundle, built, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(HalfSearch, "run", interrupted)
    assert tune(tiny_bundle, built / "pictures", "30") == 130
    assert "tuned" not in Bundle(tiny_bundle).manifest.variants
    assert not (tiny_bundle / TUNING).exists()


def test_labels_make_it_points_of_top_1(tiny_bundle, built, tmp_path, capsys, no_time):
    interpreter, answers = Interpreter("litert", tiny_bundle / "float32.tflite", 1), []
    for image in pixels(built / "pictures"):
        interpreter.input_tensor()[...] = image
        interpreter.invoke()
        answers.append(int(interpreter.output_tensors()[0].argmax()))
    write_labels(tmp_path / "labels.tsv", answers)
    flags = ("--annotations", str(tmp_path / "labels.tsv"), *no_time)
    assert tune(tiny_bundle, built / "pictures", "60", *flags) == 0
    assert read_log(tiny_bundle).metric == "top-1"
    assert "float32 scores 100.00 points" in capsys.readouterr().err


def test_limit_that_float32_itself_does_not_reach_is_refused(tiny_bundle, built, tmp_path, capsys):
    write_labels(tmp_path / "labels.tsv", [n % 5 for n in range(32)])
    flags = ("--annotations", str(tmp_path / "labels.tsv"))
    assert tune(tiny_bundle, built / "pictures", "60", *flags) == 1
    assert "would let go altogether" in capsys.readouterr().err.splitlines()[-1]
    assert not (tiny_bundle / TUNING).exists()
