from __future__ import annotations

import numpy as np
import pytest

from device.bundle.heads import SsdHead
from device.errors import ModelError, UsageError
from tests.helpers.model_outputs import ALIKE, grids, output, understood


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
