"""Outputs of bare models, described as an examination finds them."""

from __future__ import annotations

import numpy as np

from device.bundle.heads import DetectionsHead, TensorSpec
from device.bundle.hints import Hints
from device.inspection.output_heads import understand
from device.inspection.output_roles import ROLES, Output
from device.inspection.tflite_facts import TensorFacts
from device.inspection.trial_run import output_values

ROWS = 3


BOXES = np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 1.1], [-0.1, 0, 0.2, 0.2]]])


CLASSES = np.array([[7, 0, 3]])


SCORES = np.array([[0.9, 0.5, 0.25]])


COUNT = np.array([3])


VALUES = dict(zip(ROLES, (BOXES, CLASSES, SCORES, COUNT), strict=True))


def output(
    position, values, *, name="", signature="", described="", operator="", slot=0, dtype="float32"
) -> Output:
    values = np.asarray(values, np.float32)
    facts = TensorFacts(
        name=name,
        signature=signature,
        shape=values.shape,
        free=(False,) * values.ndim,
        dtype=dtype,
        scale=0.0,
        zero_point=0,
        operator=operator,
        slot=slot,
    )
    spec = TensorSpec(position=position, shape=values.shape, dtype=dtype)
    return Output(facts, spec, described, output_values([values, values]))


def in_order(order, **changes) -> list[Output]:
    """Detections whose outputs come in this order of roles, with nothing said of them."""
    values = VALUES | changes
    return [output(place, values[role]) for place, role in enumerate(order)]


def roles_of(found) -> dict[str, int]:
    (head,) = found.heads
    assert isinstance(head, DetectionsHead)
    tensors = {role: getattr(head, role) for role in ROLES}
    return {role: tensor.position for role, tensor in tensors.items() if tensor is not None}


def understood(found, /, *, anchors=None, **hints):
    return understand(found, Hints(**hints), anchors)


# Nothing found on the trial pictures: classes and scores are all zero, and look alike.
NOTHING = {"classes": np.zeros((1, 3)), "scores": np.zeros((1, 3)), "count": [0]}


NAMES = {
    "boxes": ("detection_boxes", "location"),
    "classes": ("detection_classes", "category"),
    "scores": ("detection_class_scores", "score"),
    "count": ("num_detections", "number of detections"),
}


LOGITS = np.array([[-3.0, 2.0, 7.0, 0.0]])


PROBABILITIES = np.array([[0.1, 0.2, 0.6, 0.1]])


CORNERS = np.array([[0.1, 0.2, 0.9, 0.1, 0.9, 0.8, 0.1, 0.7]])


def grids(classes=5, swap=False, per_cell=(2, 3, 3)) -> list[Output]:
    """Raw heads on maps of 4x4, 2x2 and 1x1, out of order."""
    outputs = []
    for side, anchors in zip((4, 2, 1), per_cell, strict=True):
        boxes = np.ones((1, side, side, 4 * anchors))
        scores = np.linspace(-9, 9, side * side * classes * anchors)
        pair = [boxes, scores.reshape(1, side, side, -1)]
        outputs += pair[::-1] if swap else pair
    mixed = [outputs[place] for place in (4, 1, 2, 3, 0, 5)]
    return [output(place, values) for place, values in enumerate(mixed)]


# Four classes: either could be the boxes.
ALIKE = [np.ones((1, 10, 4)), np.full((1, 10, 4), 2.0)]
