"""Ranges of activations: scores of an SSD keep theirs, whatever calibration pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quantization.activation_ranges import LOGIT_RANGE
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker
from device.bundle.bundle import Bundle
from device.inference.interpreter import Interpreter


def test_sure_scores_survive_calibration_on_nothing(bundle_dir, tmp_path):
    """A grey picture holds no object: its highest logits are far below those of a sure one."""
    bundle = Bundle(bundle_dir)
    rule = bundle.manifest.input
    grey = np.zeros((1, *rule.shape[1:]), np.float32)
    float32 = bundle.file("float32.tflite").read_bytes()
    maker = CandidateMaker(float32, grey, rule.value_range, logits=True)
    (tmp_path / "grey.tflite").write_bytes(maker.make(CandidateSpec(corrected=False)))
    interpreter = Interpreter("litert", tmp_path / "grey.tflite", threads=1)
    least, most = LOGIT_RANGE
    for name, position in interpreter.output_names().items():
        spec = interpreter.outputs[position]
        if name.startswith("scores_"):
            assert (127 - spec.zero_point) * spec.scale >= most - spec.scale
            assert (-128 - spec.zero_point) * spec.scale <= least + spec.scale
    assert sum(name.startswith("scores_") for name in interpreter.output_names()) == 6


@pytest.mark.parametrize("probability", [0.0005, 0.999])
def test_range_of_scores_reaches_beyond_what_anybody_asks_for(probability):
    assert LOGIT_RANGE[0] < np.log(probability / (1 - probability)) < LOGIT_RANGE[1]
