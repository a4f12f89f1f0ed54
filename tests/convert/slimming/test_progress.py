from __future__ import annotations

import numpy as np
import pytest

from convert.errors import TrainingError
from convert.slimming.progress import FinishedStep, Progress, load_progress, save_progress

WEIGHTS = {"Conv": (np.ones((3, 3, 3, 8), np.float32), np.arange(8, dtype=np.float32))}
STEP = FinishedStep(160, None, -1, 0.5, 0.01)


def test_steps_and_their_weights_are_read_as_they_were_written(tmp_path):
    begun = Progress({"seed": "0"}, (STEP,))
    save_progress(tmp_path, begun, WEIGHTS)
    more = Progress(begun.settings, (STEP, FinishedStep(160, 0.2, 0, 1.5, 0.02)))
    save_progress(tmp_path, more, {"Conv": (WEIGHTS["Conv"][0] * 2, WEIGHTS["Conv"][1])})
    progress, weights = load_progress(tmp_path)
    assert progress == more
    assert [float(item["Conv"][0].mean()) for item in weights] == [1.0, 2.0]
    assert weights[0]["Conv"][1].tolist() == list(range(8))


def test_step_of_before_splits_nothing(tmp_path):
    save_progress(tmp_path, Progress({}, (STEP,)), WEIGHTS)
    written = tmp_path / "slimming.json"
    written.write_text(written.read_text().replace(',"left_out":0.0', ""))
    assert load_progress(tmp_path)[0].steps == (STEP,)


def test_nothing_to_go_on_with_is_said(tmp_path):
    with pytest.raises(TrainingError, match="nothing to go on with"):
        load_progress(tmp_path)


def test_step_whose_weights_are_damaged_is_said(tmp_path):
    save_progress(tmp_path, Progress({}, (STEP,)), WEIGHTS)
    (tmp_path / "step-00.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(TrainingError, match="leave out --resume"):
        load_progress(tmp_path)


def test_search_that_was_asked_otherwise_is_not_gone_on_with():
    with pytest.raises(TrainingError, match="the search had seed 0, now it is 1"):
        Progress({"seed": "0"}).require({"seed": "1"})
