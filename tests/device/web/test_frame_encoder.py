from __future__ import annotations

import json
import threading

import cv2
import numpy as np
import pytest

from device.records import Detection
from device.web.frame_encoder import StreamEncoder, encode_for_viewers
from device.web.renditions import ANNOTATED, LADDER
from tests.device.conftest import make_outcome


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((64, 48), (64, 48)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((5000, 2), (1280, 1)),
    ],
)
def test_picture_is_no_longer_than_a_phone_can_show(size_wh, expected):
    image = np.full((size_wh[1], size_wh[0], 3), (40, 120, 200), np.uint8)
    shown = decoded(encode_for_viewers(image, LADDER[0]))
    assert (shown.shape[1], shown.shape[0]) == expected
    assert abs(shown.astype(int) - (40, 120, 200)).max() <= 4


def test_lower_rendition_is_smaller_on_the_screen_and_in_bytes():
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    sizes = []
    for rendition in LADDER:
        jpeg = encode_for_viewers(image, rendition)
        assert max(decoded(jpeg).shape) == rendition.longest_side
        sizes.append(len(jpeg))
    assert sizes == sorted(sizes, reverse=True)


class Gate:
    """A publisher that can be held up."""

    def __init__(self) -> None:
        self.views = []
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, view) -> None:
        self.views.append(view)
        self.entered.set()
        self.open.wait(10)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def test_newest_outcome_replaces_those_that_wait(gate):
    encoder = StreamEncoder(gate)
    encoder.put(make_outcome(0), LADDER[:1])
    gate.entered.wait(10)
    for index in range(1, 6):
        encoder.put(make_outcome(index), LADDER[:1])
    gate.open.set()
    encoder.close()
    assert [json.loads(view.line)["frame"] for view in gate.views] == [0, 5]
    assert encoder.encoded == 2


def test_picture_is_encoded_only_where_it_is_wanted(gate):
    gate.open.set()
    encoder = StreamEncoder(gate)
    encoder.put(make_outcome(0), ())
    encoder.close()
    (view,) = gate.views
    assert view.jpegs == {}
    assert view.size_wh == (64, 48)
    assert encoder.encoded == 0


def test_picture_is_encoded_once_for_each_rendition_and_annotated_in_one_alone(gate):
    gate.open.set()
    pixels = np.full((240, 320, 3), 128, np.uint8)
    found = Detection(0, "person", 0.9, 20, 40, 300, 200)
    outcome = make_outcome(0, pixels, detections=(found,))
    encoder = StreamEncoder(gate)
    encoder.put(outcome, {LADDER[0], LADDER[3], ANNOTATED})
    encoder.close()
    (view,) = gate.views
    assert view.jpegs.keys() == {LADDER[0], LADDER[3], ANNOTATED}
    assert encoder.encoded == 3
    assert (decoded(view.jpegs[LADDER[0]]) == 128).all()
    assert np.ptp(decoded(view.jpegs[ANNOTATED])) > 100
    assert (pixels == 128).all(), "other outputs get this picture too"
