from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.models.anchors import grid_sizes, ssd_anchors
from convert.training.targets import BOX_SCALES, NEGATIVE, NOWHERE, Matcher, encode
from device.bundle.heads import TensorSpec
from device.inference.decode_ssd import box_coefficients, decode_boxes

# Two anchors of half the image's sides, left and right; a third, small, in the middle.
ANCHORS = np.array([[0.5, 0.25, 0.5, 0.5], [0.5, 0.75, 0.5, 0.5], [0.5, 0.5, 0.1, 0.1]], np.float32)


def targets(boxes, class_ids=None, ignored=None):
    count = len(boxes)
    return Matcher(ANCHORS)(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.arange(count, dtype=np.int32) if class_ids is None else np.array(class_ids, np.int32),
        np.zeros(count, bool) if ignored is None else np.array(ignored),
    )


def test_anchor_that_is_the_box_is_positive_with_nothing_to_correct():
    found = targets([[0.0, 0.25, 0.5, 0.75]], [3])
    assert found.classes.tolist() == [3, NEGATIVE, NEGATIVE]
    assert found.encodings == pytest.approx(np.zeros((3, 4)), abs=1e-6)


def test_image_without_boxes_is_all_negative():
    found = targets([])
    assert found.classes.tolist() == [NEGATIVE] * 3


def test_overlap_between_the_limits_is_no_object_and_no_background():
    # The box is the right anchor moved by 0.2: IoU (0.3 * 0.5) / (2 * 0.25 - 0.15) = 0.4286.
    anchors = np.concatenate((ANCHORS, [[0.5, 0.55, 0.5, 0.5]])).astype(np.float32)
    found = Matcher(anchors)(
        np.array([[0.3, 0.25, 0.8, 0.75]], np.float32), np.zeros(1, np.int32), np.zeros(1, bool)
    )
    # Anchor 3 is the box; 1 spans 0.5 to 1.0, of which 0.3 are shared.
    assert found.classes.tolist() == [NEGATIVE, NOWHERE, NEGATIVE, 0]


def test_object_that_fits_nothing_still_gets_its_best_anchor():
    found = targets([[0.45, 0.48, 0.47, 0.5]], [7])
    assert found.classes.tolist() == [NEGATIVE, NEGATIVE, 7]


def test_ignored_object_is_neither_found_nor_missed():
    found = targets([[0.0, 0.25, 0.5, 0.75]], ignored=[True])
    # The left anchor is the object; of the small one half lies in it.
    assert found.classes.tolist() == [NOWHERE, NEGATIVE, NOWHERE]


def test_box_is_encoded_by_hand():
    # Centre 0.6, 0.5 of a box 0.25 high and 1.0 wide, from an anchor at 0.5, 0.25 of 0.5 x 0.5.
    encoded = encode(np.array([[0.0, 0.475, 1.0, 0.725]], np.float32), ANCHORS[:1])
    expected = [0.1 / 0.5 * 10, 0.25 / 0.5 * 10, np.log(0.5) * 5, np.log(2.0) * 5]
    assert encoded[0] == pytest.approx(expected, rel=1e-5)


sides = st.floats(0.02, 0.9)


@given(st.lists(st.tuples(sides, sides, sides, sides), min_size=1, max_size=6))
def test_device_decodes_what_was_encoded(boxes):
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float32)
    anchors = ssd_anchors(grid_sizes(96))[: len(corners)]
    spec = TensorSpec(position=0, shape=(1, len(corners), 4), dtype="float32")
    back = decode_boxes(encode(corners, anchors), box_coefficients(anchors, BOX_SCALES, spec))
    assert back == pytest.approx(corners, abs=1e-4)


@given(st.lists(st.tuples(sides, sides, sides, sides), max_size=6))
def test_every_object_has_an_anchor_unless_a_smaller_one_took_it(boxes):
    corners = np.clip([(x, y, x + w, y + h) for x, y, w, h in boxes], 0, 1).astype(np.float32)
    found = Matcher(ssd_anchors(grid_sizes(160)))(
        corners.reshape(-1, 4), np.arange(len(boxes), dtype=np.int32), np.zeros(len(boxes), bool)
    )
    if boxes:
        assert (found.classes >= 0).any()
    assert np.isfinite(found.encodings).all()
    assert set(found.classes.tolist()) <= {NEGATIVE, NOWHERE, *range(len(boxes))}


def test_object_that_fits_badly_gets_the_anchors_that_are_nearly_as_good():
    # Two thin anchors side by side and a box across both: each has IoU 0.04 / 0.12 = 1/3.
    anchors = np.array([[0.5, 0.45, 0.4, 0.1], [0.5, 0.55, 0.4, 0.1], [0.9, 0.9, 0.1, 0.1]])
    found = Matcher(anchors.astype(np.float32))(
        np.array([[0.4, 0.2, 0.6, 0.8]], np.float32), np.zeros(1, np.int32), np.zeros(1, bool)
    )
    assert found.classes.tolist() == [0, 0, NEGATIVE]
