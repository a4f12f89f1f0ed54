from __future__ import annotations

import dataclasses

import pytest

from convert.build.detector_run import DetectorRun
from convert.build.train_options import TrainOptions
from convert.errors import WeightsError
from convert.models.anchors import AnchorLayout
from convert.training.trainable_bundle import bundle_layout
from device.bundle.bundle import Bundle

SIZE = 128
# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


def test_each_epoch_is_told_with_the_time_left(trained):
    epochs = [line for line in trained[1] if line.startswith("epoch")]
    assert len(epochs) == 2
    assert "left: loss" in epochs[0]
    assert "best" in epochs[0]


def test_training_goes_on_from_the_bundle(trained, dataset, tmp_path):
    options = TrainOptions(tmp_path, tmp_path / "next", size=SIZE, epochs=1, start_from=trained[0])
    run = DetectorRun(dataset, options, lambda _: None)
    assert run.layout == bundle_layout(Bundle(trained[0]))
    before = run.test(run.trainer())
    assert before > 0.2


def test_training_goes_on_at_the_side_it_has(trained, dataset, tmp_path):
    told: list[str] = []
    options = TrainOptions(tmp_path, tmp_path / "next", epochs=1, start_from=trained[0])
    run = DetectorRun(dataset, options, told.append)
    assert run.layout == bundle_layout(Bundle(trained[0]))
    assert f"input       {SIZE}x{SIZE}, as {trained[0]} has it" in told


@pytest.mark.parametrize(("size", "better"), [(70, "76"), (630, "620")])
def test_no_better_side_is_told_that_would_be_refused(size, better, dataset, tmp_path):
    told: list[str] = []
    DetectorRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=size), told.append)
    assert f"input       {size}x{size}; {better} would start better, halved as 300" in told


def test_side_at_which_weights_start_worse_is_told_with_better_ones(dataset, tmp_path):
    told: list[str] = []
    DetectorRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=SIZE), told.append)
    assert "input       128x128; 108 or 140 would start better, halved as 300" in told
    told.clear()
    DetectorRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=140), told.append)
    assert not any("start better" in line for line in told)


def test_run_of_other_anchors_is_not_gone_on_with(dataset, tmp_path):
    run = DetectorRun(dataset, TrainOptions(tmp_path, tmp_path / "x", size=SIZE), lambda _: None)
    scale = run.layout.scale
    assert scale > 1
    assert run.input_told() == f"{SIZE} with anchors times {scale:.3f}, where cells look"
    layouts = [AnchorLayout(SIZE, item, even) for item in (1.0, scale) for even in (False, True)]
    told = set()
    for layout in (*layouts, AnchorLayout(300)):
        run.layout = layout
        told.add(run.input_told())
    assert len(told) == 5
    assert {str(SIZE), "300"} <= told  # as runs of before say it, which go on where nothing changed


def test_teacher_that_lacks_a_class_is_refused(trained, dataset, tmp_path):
    others = dataclasses.replace(dataset, classes=("disc", "star"))
    options = TrainOptions(tmp_path, tmp_path / "x", size=SIZE, teacher=trained[0])
    with pytest.raises(WeightsError, match="does not know star"):
        DetectorRun(others, options, lambda _: None)
