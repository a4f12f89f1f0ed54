from __future__ import annotations

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.inspection.output_heads import understand
from device.inspection.output_roles import ROLES
from tests.helpers.model_outputs import (
    BOXES,
    CLASSES,
    PROBABILITIES,
    SCORES,
    in_order,
    output,
    understood,
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("boxes",), "expected a word for each of the model's 4 outputs"),
        (("boxes", "classes", "scores", "sum"), "of boxes, classes, scores, count and none"),
        (("classes", "boxes", "scores", "count"), "do not have these shapes"),
        (("boxes", "classes", "none", "none"), "do not have these shapes"),
    ],
)
def test_flags_that_do_not_fit_are_wrong_usage(words, said):
    with pytest.raises(UsageError, match=said):
        understood(in_order(ROLES), outputs=words)


def test_outputs_that_are_constants_say_which_operator_was_left_out():
    outputs = in_order(ROLES, boxes=BOXES * 0, classes=CLASSES * 0, scores=SCORES * 0, count=[0])
    with pytest.raises(ModelError, match=r"outputs are constants.*allow_custom_ops"):
        understand([*outputs[:3], output(3, [[0, 0, 0]])], Hints(), None)


@pytest.mark.parametrize("task", ["detection", "classification"])
def test_task_that_the_user_names_is_the_only_one_tried(task):
    outputs = [output(0, PROBABILITIES)] if task == "detection" else in_order(ROLES)
    with pytest.raises(ModelError, match="cannot tell"):
        understood(outputs, task=task)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([(1, 8)], ["may be coordinates", "What can settle it: --task classification"]),
        ([(1, 4, 4, 8)] * 6, ["do not pair up", " and 2 more", "No flag can settle that"]),
        ([(1, 300, 20)], ["not a YOLO", "no axis as long", "No flag can settle that"]),
        ([(1, 4, 4, 2), (1, 5), (1, 7)], ["no model that runs here", "No flag can settle that"]),
    ],
    ids=str,
)
def test_refusal_tells_the_nearest_kind_alone_and_one_step(shapes, said):
    outputs = [output(place, np.full(shape, 3.5)) for place, shape in enumerate(shapes)]
    with pytest.raises(ModelError) as refused:
        understand(outputs, Hints(), None, (64, 64))
    message = str(refused.value)
    assert message.startswith("cannot tell what its outputs are for: ")
    assert all(words in message for words in said)
    kinds = ("not detections", "not a YOLO", "not MediaPipe's", "not an SSD", "not decoded")
    assert sum(kind in message for kind in (*kinds, "not raw SSD", "not a classifier")) <= 1
    assert "\n" not in message
