from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.errors import ModelError, UsageError
from device.inspection.output_roles import ROLES
from device.inspection.tflite_facts import POST_PROCESS
from tests.helpers.model_outputs import (
    BOXES,
    CLASSES,
    COUNT,
    NAMES,
    NOTHING,
    SCORES,
    VALUES,
    in_order,
    output,
    roles_of,
    understood,
)


@pytest.mark.parametrize("order", itertools.permutations(ROLES))
def test_content_alone_tells_detections_in_any_order(order):
    found = understood(in_order(order))
    assert found.task == "detection"
    assert roles_of(found) == {role: order.index(role) for role in ROLES}
    assert "what they held" in found.why


@pytest.mark.parametrize("order", itertools.permutations(ROLES[:3]))
def test_detections_need_no_count(order):
    assert roles_of(understood(in_order(order))) == {role: order.index(role) for role in order}


def test_content_that_fits_two_orders_is_asked_for():
    with pytest.raises(ModelError, match=r"does not tell which is which.*--outputs"):
        understood(in_order(ROLES, **NOTHING))


def test_rows_beyond_the_count_may_hold_anything():
    rubbish = {
        "boxes": np.concatenate([BOXES[:, :2], np.full((1, 1, 4), np.nan)], axis=1),
        "classes": [[7, 0, -0.5]],
        "scores": [[0.9, 0.5, 1e9]],
        "count": [2],
    }
    assert roles_of(understood(in_order(ROLES, **rubbish)))["classes"] == 1


@pytest.mark.parametrize("order", [ROLES, ("scores", "boxes", "count", "classes")])
def test_operator_tells_where_content_does_not(order):
    values = VALUES | NOTHING
    outputs = [
        output(place, values[role], operator=POST_PROCESS, slot=ROLES.index(role))
        for place, role in enumerate(order)
    ]
    found = understood(outputs)
    assert roles_of(found) == {role: order.index(role) for role in ROLES}
    assert POST_PROCESS in found.why


@pytest.mark.parametrize(("kind", "index"), [("name", 0), ("signature", 0), ("described", 1)])
def test_names_tell_where_content_does_not(kind, index):
    values = VALUES | NOTHING
    order = ("count", "scores", "classes", "boxes")
    outputs = [
        output(place, values[role], **{kind: NAMES[role][index]})
        for place, role in enumerate(order)
    ]
    assert roles_of(understood(outputs)) == {role: order.index(role) for role in ROLES}


def test_names_that_content_contradicts_are_asked_about():
    outputs = [output(place, VALUES[role]) for place, role in enumerate(ROLES)]
    names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
    swapped = [
        output(place, VALUES[role], signature=name)
        for place, (role, name) in enumerate(zip(ROLES, names, strict=True))
    ]
    assert understood(outputs)
    with pytest.raises(ModelError, match="the names in its signature and what they hold disagree"):
        understood(swapped)


def test_user_is_believed_against_names():
    outputs = [
        output(place, VALUES[role], name=name)
        for place, (role, name) in enumerate(
            zip(ROLES, ("boxes", "scores", "classes", "count"), strict=True)
        )
    ]
    found = understood(outputs, outputs=("boxes", "classes", "scores", "none"))
    assert roles_of(found) == {"boxes": 0, "classes": 1, "scores": 2}
    assert found.why.startswith("--outputs")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ("boxes", "scores", "classes", "count")),  # a score of 7
        ({"boxes": BOXES * 300}, ROLES),  # in pixels
        ({"count": [8]}, ROLES),
    ],
)
def test_user_is_not_believed_against_what_they_hold(change, words):
    with pytest.raises(UsageError, match="what they hold on trial pictures is another order"):
        understood(in_order(ROLES, **change), outputs=words)


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": BOXES * 300},  # in pixels
        {"classes": CLASSES + 0.5},
        {"classes": CLASSES - 5},
        {"scores": SCORES * 2},
        {"scores": SCORES[:, ::-1]},  # rising
        {"count": [4]},  # more than there are rows
        {"count": [1.5]},
        {"scores": np.full((1, 3), np.nan)},
        {"classes": np.zeros((1, 5))},
        {"count": [[1, 2]]},
    ],
    ids=str,
)
def test_what_cannot_be_detections_is_none(change):
    with pytest.raises(ModelError, match="not detections") as caught:
        understood(in_order(ROLES, **change))
    message = str(caught.value)
    assert "\n" not in message
    assert "No flag can settle that" in message
    for part in ("float32 (1, 3, 4)", "3 '' float32"):
        assert part in message, "the tensors are not shown"


def test_named_twice_is_no_detection():
    with pytest.raises(ModelError, match="names no detections"):
        understood(in_order(ROLES), outputs=("boxes", "classes", "classes", "scores"))


def test_detections_among_other_outputs_of_tensorflow_2_are_found():
    names = [
        "detection_anchor_indices",
        "detection_boxes",
        "detection_classes",
        "detection_multiclass_scores",
        "detection_scores",
        "num_detections",
        "raw_detection_boxes",
        "raw_detection_scores",
    ]
    values = [
        [[1, 2, 3]], BOXES, CLASSES, np.ones((1, 3, 8)), SCORES, COUNT,
        np.ones((1, 20, 4)), np.ones((1, 20, 8)),
    ]  # fmt: skip
    outputs = [
        output(place, value, signature=name)
        for place, (value, name) in enumerate(zip(values, names, strict=True))
    ]
    found = understood(outputs)
    assert roles_of(found) == {"boxes": 1, "classes": 2, "scores": 4, "count": 5}
    assert "names in its signature" in found.why
