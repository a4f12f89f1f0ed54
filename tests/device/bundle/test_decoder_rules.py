from __future__ import annotations

import pytest

from device.bundle.decoder_rules import SsdRule


def rule(*box_scales: float) -> SsdRule:
    return SsdRule(anchors="anchors.npy", background=None, box_scales=box_scales, iou_threshold=0.6)


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-300, 0.00099, 1_000_001.0, float("inf")])
def test_scale_that_float32_cannot_divide_by_is_refused(scale):
    with pytest.raises(ValueError, match=r"`box_scales` 0\.001 to 1000000"):
        rule(10.0, 10.0, 5.0, scale)


def test_usual_scales_and_the_bounds_are_taken():
    assert rule(10.0, 10.0, 5.0, 5.0).score == "logit"
    assert rule(0.001, 0.001, 1e6, 1e6).box_scales[3] == 1e6
