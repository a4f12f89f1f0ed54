"""Defaults of a manifest: what a model is run with unless it says otherwise."""

from __future__ import annotations

from device.bundle.manifest import Task

MAX_DETECTIONS = 100
CROP_FRACTION = 0.875  # 224 of 256 pixels, as ImageNet's figures are measured
# What TensorFlow's detectors are trained and suppressed with, unless somebody changed it.
SSD_BOX_SCALES = (10.0, 10.0, 5.0, 5.0)
SSD_IOU_THRESHOLD = 0.6
# What YOLO models are measured and, by default, used with.
YOLO_IOU_THRESHOLD = 0.7
YOLO_THRESHOLD = 0.25
# The same of MediaPipe's finders of faces, palms and poses.
BLAZE_IOU_THRESHOLD = 0.3

_THRESHOLDS: dict[Task, float] = {
    "detection": 0.5,
    "classification": 0.1,  # its scores are spread over its classes
}
SURE_THRESHOLD = 0.5  # of a class that is there or not, whatever else is


def threshold_for(task: Task) -> float:
    """The least score, 0..1, at which something is reported."""
    return _THRESHOLDS[task]
