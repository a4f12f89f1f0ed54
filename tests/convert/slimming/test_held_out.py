from __future__ import annotations

import numpy as np
import pytest

from convert.evaluation.coco_map import ClassMatches
from convert.slimming.held_out import HeldOut, Look, LookPair, lost, lost_by_int8
from convert.slimming.student import Student, network_of
from tests.convert.slimming.stubs import LAYOUT, random_original
from tests.convert.training.shapes import CLASSES, draw_dataset


def look(found):
    """One object on each picture; ``found``: whether each was, by a detection that is sure."""
    right = np.tile(np.array(found, np.bool_), (10, 1))
    return Look(
        (
            ClassMatches(
                np.ones(len(found), np.int64),
                np.arange(len(found)),
                right,
                np.zeros_like(right),
            ),
        ),
        len(found),
    )


def test_what_is_lost_is_the_difference_of_both_on_the_same_pictures():
    # All ten found, and the last five not: recall 0.5 at precision 1 is 51 of COCO's 101 recalls.
    drop, spread, deviation = lost(look([1] * 10), look([1] * 5 + [0] * 5), seed=0)
    assert drop == pytest.approx(100 * (1 - 51 / 101), abs=0.1)
    assert spread is not None
    assert spread[0] < drop < spread[1]
    assert deviation > 5


def test_what_is_lost_on_some_pictures_is_of_these_alone():
    whole, less = look([1] * 10), look([1] * 5 + [0] * 5)
    assert lost(whole, less, 0, range(5))[0] == 0
    assert lost(whole, less, 0, range(5, 10))[0] == pytest.approx(100)


def pair(float32, int8):
    """Of 40 pictures with an object each, of which so many are found."""
    return LookPair(*(look([at < found for at in range(40)]) for found in (float32, int8)))


def test_what_int8_takes_from_both_is_no_loss_of_the_smaller_network():
    assert lost_by_int8(pair(40, 20), pair(40, 20), seed=0) == 0


def test_what_float32_loses_already_is_not_taken_by_int8():
    assert lost_by_int8(pair(40, 40), pair(20, 20), seed=0) == 0


def test_what_int8_takes_from_the_smaller_network_alone_is_its_loss():
    # Half of all are found no more: recall 0.5 at precision 1 is 51 of COCO's 101 recalls.
    assert lost_by_int8(pair(40, 40), pair(40, 20), seed=0) == pytest.approx(100 * (1 - 51 / 101))
    assert lost_by_int8(pair(40, 20), pair(40, 40), seed=0) == pytest.approx(-100 * (1 - 51 / 101))


def test_what_one_picture_of_forty_tells_is_luck():
    assert lost(look([1] * 40), look([1] * 39 + [0]), 0)[0] > 1
    assert lost_by_int8(pair(40, 40), pair(40, 39), seed=0) == 0


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    import dataclasses

    dataset = draw_dataset(tmp_path_factory.mktemp("held") / "images", train=2, others=4)
    bare = [
        dataclasses.replace(
            item,
            boxes=item.boxes[:0],
            class_ids=item.class_ids[:0],
            ignored=item.ignored[:0],
        )
        for item in dataset.test
    ]
    return dataclasses.replace(dataset, test=tuple(bare), validation=tuple(bare))


def test_unlabelled_pictures_are_judged_by_what_the_whole_network_finds(unlabelled):
    original = random_original()
    for head in range(6):  # sure of everything: random weights are seldom sure of anything
        kernel, bias = original.weights[f"BoxPredictor_{head}.ClassPredictor"]
        original.weights[f"BoxPredictor_{head}.ClassPredictor"] = kernel * 20, bias
    model = network_of(Student(original.weights, LAYOUT), CLASSES)
    held_out = HeldOut(original, unlabelled, labelled=False)
    held_out.label(model)
    whole = held_out.look(model, LAYOUT)
    assert whole.images == 4
    assert whole.points(np.ones((1, 4), np.int32))[0] > 90  # itself


def test_labelled_pictures_keep_their_labels(unlabelled):
    held_out = HeldOut(random_original(), unlabelled, labelled=True)
    held_out.label(None)  # is not asked
    assert held_out.metric == "mAP"


def test_another_looker_looks_at_a_finished_variant(unlabelled, tmp_path):
    asked = []

    def looker(panel, images):
        asked.append((panel.bundle, panel.variants, len(images)))
        return [{"int8": np.zeros((0, 6))} for _ in images]

    held_out = HeldOut(random_original(), unlabelled, labelled=True, looker=looker)
    assert held_out.look_of_variant(tmp_path, "int8").images == 4
    assert asked == [(tmp_path, ("int8",), 4)]
