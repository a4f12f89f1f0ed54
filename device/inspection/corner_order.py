"""Corner order: whether the corners of suppressed boxes have y or x first.

The values do not tell: a box read the wrong way lies mirrored at the diagonal of the picture. So
what the file says decides, and where it says nothing the guess is said aloud.
"""

from __future__ import annotations

from typing import NamedTuple

from device.bundle.decoder_rules import Corners
from device.errors import UsageError
from device.inspection.output_roles import Output
from device.inspection.tflite_facts import POST_PROCESS
from device.inspection.understanding import Evidence

_IN_WORDS: dict[Corners, str] = {"yxyx": "y before x", "xyxy": "x before y"}
_OBJECT_DETECTION_API = ("detection_boxes", "raw_detection_boxes")
_GUESS = (
    "GUESSED that its boxes have y before x, as TensorFlow's have, for nothing says it: if they "
    "lie mirrored at the diagonal, --boxes xyxy; --boxes yxyx confirms it"
)


class CornerOrder(NamedTuple):
    """The order of a box's corners, and how it was told."""

    order: Corners
    why: str
    guess: str = ""  # what is to be said aloud, where nobody said it


def corner_order(boxes: Output, case: Evidence) -> CornerOrder:
    """The order in the output ``boxes`` of a model that suppresses its boxes itself.

    Raises ``UsageError`` where the user says another than the operator is known to write.
    """
    asked = case.asked_corners
    if boxes.facts.operator == POST_PROCESS:
        if asked not in (None, "yxyx"):
            raise UsageError(f"--boxes {asked}: the operator {POST_PROCESS} writes y before x")
        return _told("yxyx", "which that operator writes")
    if asked is not None:
        return _told(asked, f"--boxes {asked}")
    if case.corners is not None:
        return _told(case.corners, "as its metadata says")
    if case.notes is not None:
        return _told("xyxy", "as YOLO exporters write them, whose notes it has")
    names = (boxes.described, boxes.facts.signature, boxes.facts.name)
    for name in (name.partition(":")[0] for name in names):
        if name in _OBJECT_DETECTION_API:
            return _told("yxyx", f"as the Object Detection API writes {name}")
    return CornerOrder("yxyx", "corners GUESSED to have y before x", _GUESS)


def _told(order: Corners, why: str) -> CornerOrder:
    return CornerOrder(order, f"corners have {_IN_WORDS[order]}, {why}")
