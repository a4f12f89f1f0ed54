from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.bundle.manifest import ClassifierHead, DetectionsHead, SsdHead, TensorSpec
from device.errors import ModelError, UsageError
from device.inspection.output_heads import understand
from device.inspection.output_roles import ROLES, Output
from device.inspection.tflite_file import POST_PROCESS, TensorFacts
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


@pytest.mark.parametrize("order", itertools.permutations(ROLES))
def test_content_alone_tells_detections_in_any_order(order):
    found = understood(in_order(order))
    assert found.task == "detection"
    assert roles_of(found) == {role: order.index(role) for role in ROLES}
    assert "what they held" in found.why


@pytest.mark.parametrize("order", itertools.permutations(ROLES[:3]))
def test_detections_need_no_count(order):
    assert roles_of(understood(in_order(order))) == {role: order.index(role) for role in order}


# Nothing found on the trial pictures: classes and scores are all zero, and look alike.
NOTHING = {"classes": np.zeros((1, 3)), "scores": np.zeros((1, 3)), "count": [0]}


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


NAMES = {
    "boxes": ("detection_boxes", "location"),
    "classes": ("detection_classes", "category"),
    "scores": ("detection_class_scores", "score"),
    "count": ("num_detections", "number of detections"),
}


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
    assert found.why == "--outputs"


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


def test_named_twice_is_no_detection():
    with pytest.raises(ModelError, match="names no detections"):
        understood(in_order(ROLES), outputs=("boxes", "classes", "classes", "scores"))


LOGITS = np.array([[-3.0, 2.0, 7.0, 0.0]])
PROBABILITIES = np.array([[0.1, 0.2, 0.6, 0.1]])


def test_row_of_scores_is_a_classifier_whatever_the_file_is_called():
    found = understood([output(0, PROBABILITIES)])
    assert (found.task, found.classes, found.score) == ("classification", 4, "probability")
    (head,) = found.heads
    assert isinstance(head, ClassifierHead)


@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 1, 1, 4), (1, 4, 1, 1)])
def test_axes_of_one_do_not_matter_to_a_classifier(shape):
    assert understood([output(0, PROBABILITIES.reshape(shape))]).classes == 4


@pytest.mark.parametrize(
    ("values", "operator", "score"),
    [
        (PROBABILITIES, "FULLY_CONNECTED", "probability"),
        (PROBABILITIES, "SOFTMAX", "probability"),
        (PROBABILITIES * 1.01 - 0.005, "SOFTMAX", "probability"),  # rounding below 0
        (np.linspace(-9, 9, 200)[np.newaxis], "FULLY_CONNECTED", "logit"),
    ],
)
def test_logits_are_told_from_probabilities(values, operator, score):
    found = understood([output(0, values, operator=operator)])
    assert found.score == score
    assert found.score_why


CORNERS = np.array([[0.1, 0.2, 0.9, 0.1, 0.9, 0.8, 0.1, 0.7]])


@pytest.mark.parametrize("values", [CORNERS, CORNERS * 224, LOGITS])
@pytest.mark.parametrize("operator", ["FULLY_CONNECTED", "LOGISTIC"])
def test_numbers_that_are_no_probabilities_are_a_regression_unless_somebody_says(values, operator):
    outputs = [output(0, values, operator=operator)]
    with pytest.raises(ModelError, match="do not add up to 1 are no probabilities") as caught:
        understood(outputs)
    assert "--task classification" in str(caught.value)
    assert "--outputs" not in str(caught.value)
    assert understood(outputs, task="classification").classes == values.size
    assert understand(outputs, Hints(), None, names=values.size).classes == values.size


@pytest.mark.parametrize(
    ("value", "operator", "hints", "score"),
    [
        (0.3, "LOGISTIC", {}, "binary"),
        (0.3, "FULLY_CONNECTED", {"task": "classification"}, "binary"),
        (-3.0, "FULLY_CONNECTED", {"task": "classification"}, "binary-logit"),
    ],
)
def test_one_number_of_a_logistic_function_tells_two_classes_apart(value, operator, hints, score):
    found = understood([output(0, [[value]], operator=operator)], **hints)
    assert (found.task, found.classes, found.score) == ("classification", 2, score)


@pytest.mark.parametrize("names", [1, 2])
def test_one_number_is_a_classifier_where_one_or_two_classes_are_named(names):
    found = understand([output(0, [[-3.0]])], Hints(), None, names=names)
    assert (found.task, found.classes, found.score) == ("classification", 2, "binary-logit")


def test_logistic_scores_are_each_a_class_of_its_own():
    outputs = [output(0, [[0.9, 0.8, 0.1]], operator="LOGISTIC")]
    assert understood(outputs, task="classification").multi_label
    outputs = [output(0, [[0.9, 0.05, 0.05]], operator="SOFTMAX")]
    assert not understood(outputs).multi_label


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


def test_outputs_that_are_constants_say_which_operator_was_left_out():
    outputs = in_order(ROLES, boxes=BOXES * 0, classes=CLASSES * 0, scores=SCORES * 0, count=[0])
    with pytest.raises(ModelError, match=r"outputs are constants.*allow_custom_ops"):
        understand([*outputs[:3], output(3, [[0, 0, 0]])], Hints(), None)


def test_scores_among_other_outputs_are_asked_for_and_taken_when_named():
    outputs = [output(0, np.ones((1, 2, 2, 8))), output(1, PROBABILITIES)]
    with pytest.raises(ModelError, match="that has one output"):
        understood(outputs)
    for flags in ({"outputs": ("none", "scores")}, {"task": "classification"}):
        found = understood(outputs, **flags)
        assert found.heads[0].scores.position == 1


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            (1, 16, 16, 21),
            "a segmentation model, as DeepLab: 21 scores for each of 16",
        ),
        ((1, 100, 85), "is not a score per class"),
        ((1, 0), "is not a score per class"),
        ((1, 1), "one number, from 0 to 0, that no logistic function makes"),
    ],
)
def test_maps_and_single_numbers_are_no_classifier(shape, said):
    with pytest.raises(ModelError, match=said):
        understood([output(0, np.zeros(shape))])


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="not numbers"):
        understood([output(0, PROBABILITIES * np.nan)])


@pytest.mark.parametrize("task", ["detection", "classification"])
def test_task_that_the_user_names_is_the_only_one_tried(task):
    outputs = [output(0, PROBABILITIES)] if task == "detection" else in_order(ROLES)
    with pytest.raises(ModelError, match="cannot tell"):
        understood(outputs, task=task)


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


@pytest.mark.parametrize("swap", [False, True])
def test_raw_heads_are_paired_and_ordered_by_their_shapes(swap):
    outputs = grids(swap=swap)
    found = understood(outputs, anchors=32 + 12 + 3)
    assert (found.task, found.classes, found.score) == ("detection", 5, "logit")
    assert [head.anchors for head in found.heads] == [32, 12, 3]
    assert [head.first_anchor for head in found.heads] == [0, 32, 44]
    for head in found.heads:
        assert isinstance(head, SsdHead)
        assert head.boxes.shape[1:3] == head.scores.shape[1:3]
        assert head.scores.shape[-1] == 5 * head.boxes.shape[-1] // 4


def test_raw_heads_without_anchors_ask_for_them():
    with pytest.raises(ModelError, match=r"raw SSD heads of 5 classes.*47 anchors.*--anchors FILE"):
        understood(grids())


def test_wrong_number_of_anchors_gives_both():
    with pytest.raises(UsageError, match="holds 9 anchors, these heads need 47"):
        understood(grids(), anchors=9)


def test_flat_heads_of_probabilities_are_recognised():
    outputs = [output(0, np.full((1, 10, 7), 0.5)), output(1, np.ones((1, 10, 4)))]
    found = understood(outputs, anchors=10)
    assert (found.classes, found.score) == (7, "probability")
    assert (found.heads[0].boxes.position, found.heads[0].scores.position) == (1, 0)


# Four classes: either could be the boxes.
ALIKE = [np.ones((1, 10, 4)), np.full((1, 10, 4), 2.0)]


def test_heads_that_could_be_either_are_told_by_name_or_flag():
    with pytest.raises(ModelError, match="do not tell boxes from scores"):
        understood([output(0, ALIKE[0]), output(1, ALIKE[1])], anchors=10)
    named = [output(0, ALIKE[0], signature="class_scores"), output(1, ALIKE[1], signature="boxes")]
    assert understood(named, anchors=10).heads[0].boxes.position == 1
    flags = {"outputs": ("scores", "boxes")}
    plain = [output(0, ALIKE[0]), output(1, ALIKE[1])]
    assert understood(plain, anchors=10, **flags).heads[0].boxes.position == 1


def test_maps_of_one_size_twice_do_not_pair():
    outputs = [output(place, np.ones((1, 4, 4, 8))) for place in range(4)]
    with pytest.raises(ModelError, match="do not pair up"):
        understood(outputs, anchors=64)
