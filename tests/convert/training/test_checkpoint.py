from __future__ import annotations

import numpy as np
import pytest

from convert.errors import TrainingError
from convert.training.checkpoint import (
    FILE,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    space_advice,
)
from convert.training.state import RunState

STATE = RunState(step=7, elapsed_s=12.5, best_score=0.25, best_step=4, best_progress=0.5)


def test_checkpoint_survives_a_round_trip(tmp_path):
    arrays = {"model/0000": np.arange(6, dtype=np.float32).reshape(2, 3)}
    save_checkpoint(tmp_path, Checkpoint.of({"seed": "3"}, STATE), arrays)
    checkpoint, stored = load_checkpoint(tmp_path)
    assert checkpoint.state() == STATE
    assert (stored["model/0000"] == arrays["model/0000"]).all()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut short", b"no archive"])
def test_damaged_checkpoint_is_one_line(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(TrainingError, match="leave out --resume"):
        load_checkpoint(tmp_path)


def test_missing_checkpoint_is_one_line(tmp_path):
    with pytest.raises(TrainingError, match="no such file"):
        load_checkpoint(tmp_path)


def test_run_with_other_settings_is_refused():
    checkpoint = Checkpoint.of({"seed": "3", "size": "300"}, STATE)
    checkpoint.require({"seed": "3"})
    with pytest.raises(TrainingError, match="had seed 3, now it is 4"):
        checkpoint.require({"seed": "4", "size": "300"})


def test_full_disk_is_answered_by_what_can_be_gone_on_with(tmp_path):
    assert space_advice(tmp_path).endswith("begin again")
    save_checkpoint(tmp_path, Checkpoint.of({}, STATE), {})
    assert space_advice(tmp_path).endswith("go on with --resume")
