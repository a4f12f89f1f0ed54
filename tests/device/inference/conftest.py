"""What the tests of this package share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import strategies as st

from device.bundle.decoder_rules import SsdRule
from device.bundle.heads import DetectionsHead, SsdHead, TensorSpec
from device.images import read_image
from device.inference.candidates import suppress
from device.inference.decode_ssd import SsdDecoder
from device.records import Frame

SCALES = (10.0, 10.0, 5.0, 5.0)
SHARE = 0.4  # of its size: too small for the whole picture
PLACE_XY = (1324, 1008)  # within the tile on the lower right


def tensor(dtype="float32", scale=0.0, zero_point=0, position=0, shape=(1,)) -> TensorSpec:
    return TensorSpec(
        position=position, shape=shape, dtype=dtype, scale=scale, zero_point=zero_point
    )


unit = st.floats(1 / 16, 15 / 16, width=32)


rows = st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=8)


def found(boxes, scores, classes, iou=0.5, most=100):
    return suppress(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.intp),
        iou,
        most,
    ).tolist()


RULE = SsdRule(anchors="anchors.npy", box_scales=SCALES, background=0, iou_threshold=0.6)


ANCHORS = np.array(
    [[0.5, 0.5, 0.2, 0.2], [0.25, 0.25, 0.2, 0.2], [0.75, 0.75, 0.4, 0.4]], np.float32
)


def make_head(first: int, anchors: int, boxes: TensorSpec, scores: TensorSpec) -> SsdHead:
    return SsdHead(boxes=boxes, scores=scores, first_anchor=first, anchors=anchors)


@pytest.fixture
def decoder() -> SsdDecoder:
    """Three classes; two anchors in an int8 head, one in a float head, outputs out of order."""
    return SsdDecoder(
        [
            make_head(
                0, 2,
                tensor("int8", 0.5, 0, 3, (1, 1, 1, 8)), tensor("int8", 0.25, 10, 1, (1, 1, 2, 3)),
            ),
            make_head(
                2, 1, tensor(position=0, shape=(1, 1, 1, 4)), tensor(position=2, shape=(1, 1, 1, 3))
            ),
        ],
        ANCHORS,
        RULE,
    )  # fmt: skip


ROWS = DetectionsHead(
    boxes=tensor(position=2),
    classes=tensor(position=0),
    scores=tensor(position=3),
    count=tensor(position=1),
)


@pytest.fixture(scope="module")
def far_away(small_bundle):
    """A grey picture with a motorcycle in the lower right corner."""
    photograph = read_image(small_bundle / "samples" / "motorcycle.jpg")
    scene = np.full((1200, 1600, 3), 114, np.uint8)
    small = cv2.resize(photograph, None, fx=SHARE, fy=SHARE, interpolation=cv2.INTER_AREA)
    x, y = PLACE_XY
    scene[y : y + small.shape[0], x : x + small.shape[1]] = small
    return scene


def frame_of(pixels):
    return Frame(pixels, 0, 0.0)
