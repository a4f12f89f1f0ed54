from __future__ import annotations

import dataclasses
import json

import pytest

from convert.training.log import FILE, TrainingLog, _scalars, clock, epoch_line
from convert.training.state import EpochRecord
from device.errors import SinkError

RECORD = EpochRecord(
    epoch=2,
    step=20,
    elapsed_s=65.0,
    progress=0.25,
    learning_rate=0.01,
    losses={"class": 0.5, "box": 0.25},
    scores={"mAP": 0.3, "AP50": 0.6},
    best=0.4,
    images_per_s=31.6,
)


def steps_in(folder):
    return [json.loads(line)["step"] for line in (folder / FILE).read_text().splitlines()]


def test_every_epoch_is_a_line_with_all_its_figures(tmp_path):
    log = TrainingLog(tmp_path, None)
    log.add(RECORD)
    log.add(dataclasses.replace(RECORD, epoch=3, step=30))
    first, _ = (tmp_path / FILE).read_text().splitlines()
    assert json.loads(first) == dataclasses.asdict(RECORD)
    assert steps_in(tmp_path) == [20, 30]


def test_new_run_begins_a_new_log(tmp_path):
    TrainingLog(tmp_path, None).add(RECORD)
    TrainingLog(tmp_path, None).add(dataclasses.replace(RECORD, step=5))
    assert steps_in(tmp_path) == [5]


def test_run_taken_up_again_keeps_the_lines_up_to_its_checkpoint(tmp_path):
    log = TrainingLog(tmp_path, None)
    for step in (10, 20, 30):
        log.add(dataclasses.replace(RECORD, step=step))
    TrainingLog(tmp_path, None, until_step=20).add(dataclasses.replace(RECORD, step=25))
    assert steps_in(tmp_path) == [10, 20, 25]


def test_log_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(SinkError, match="free some space"):
        TrainingLog(tmp_path, None).add(RECORD)


def test_losses_and_scores_have_names_of_their_own_in_tensorboard():
    scalars = _scalars(RECORD)
    assert scalars["loss/box"] == 0.25
    assert scalars["validation/AP50"] == 0.6
    assert scalars["best"] == 0.4
    assert not scalars.keys() & {"epoch", "step", "losses", "scores"}


def test_line_of_a_classifier_has_one_loss():
    record = dataclasses.replace(
        RECORD, losses={"class": 0.5}, scores={"accuracy": 0.75, "mean recall": 0.5}
    )
    line = epoch_line(record, clock)
    assert "loss 0.500, validation 0.750 accuracy, 0.500 mean recall, best 0.400" in line


def test_line_tells_the_time_left_by_the_progress():
    line = epoch_line(RECORD, clock)
    # A quarter took 65 s, so three times that is left.
    assert line.startswith("epoch 2     1:05, 3:15 left: loss 0.750 (class 0.500, box 0.250)")
    assert line.endswith("validation 0.300 mAP, 0.600 AP50, best 0.400, 32 images/s")


def test_line_before_any_progress_is_no_division_by_zero():
    assert "epoch 2" in epoch_line(dataclasses.replace(RECORD, progress=0.0), clock)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (425, "7:05")])
def test_clock_shows_minutes_and_seconds(seconds, text):
    assert clock(seconds) == text
