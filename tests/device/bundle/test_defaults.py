from __future__ import annotations

from device.bundle.bundle import Bundle
from device.bundle.defaults import (
    MAX_DETECTIONS,
    SSD_BOX_SCALES,
    SSD_IOU_THRESHOLD,
    threshold_for,
)


def test_bundle_that_nobody_adjusted_has_the_defaults(small_bundle):
    manifest = Bundle(small_bundle).manifest
    assert manifest.threshold == threshold_for("detection") == 0.5
    assert manifest.max_detections == MAX_DETECTIONS == 100
    assert manifest.decoder.box_scales == SSD_BOX_SCALES == (10, 10, 5, 5)
    assert manifest.decoder.iou_threshold == SSD_IOU_THRESHOLD == 0.6


def test_classifier_reports_lower_scores_than_a_detector():
    assert threshold_for("classification") == 0.1
