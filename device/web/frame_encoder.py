"""The frame encoder: outcomes as viewers get them, JPEGs and a line of JSON, once for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import cv2
import msgspec

from device.drawing.annotate import draw
from device.outputs.serialization import describe, to_json
from device.records import Outcome, Pixels
from device.system.frame_queue import Handover
from device.system.scheduling import batch_scheduling
from device.web.renditions import Rendition

MOST_UNSURE = 20  # that are told of, best first


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """A frame as viewers get it."""

    line: bytes  # of JSON, as in the log
    size_wh: tuple[int, int]  # of the source's frame, in whose pixels the line's boxes are
    jpegs: Mapping[Rendition, bytes]  # those that somebody asked for
    unsure: bytes = b"[]"  # JSON of what scores below the threshold, in a run that has it


def encode_for_viewers(image: Pixels, rendition: Rendition) -> bytes:
    """``image`` (uint8 BGR) as a JPEG, no larger than ``rendition`` says."""
    height, width = image.shape[:2]
    scale = rendition.longest_side / max(width, height)
    if scale < 1:
        size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
        shown = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    else:
        shown = image
    ok, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, rendition.quality])
    assert ok, "OpenCV encodes any 8-bit picture"
    return data.tobytes()


def _annotated(outcome: Outcome) -> Pixels:
    image = outcome.frame.pixels.copy()
    draw(image, outcome.result.detections, "", outcome.result.classes or ())
    return image


class StreamEncoder:
    """A thread that encodes the newest outcome put, and passes over those it has no time for."""

    def __init__(self, publish: Callable[[EncodedFrame], None]) -> None:
        """``publish`` is called in the encoder's thread."""
        self._publish = publish
        self._waiting: Handover[tuple[Outcome, Collection[Rendition]]] = Handover(1, newest=True)
        self._thread = threading.Thread(target=self._run, name="encoder")
        self.encoded = 0  # pictures
        self._thread.start()

    def put(self, outcome: Outcome, renditions: Collection[Rendition]) -> None:
        """Encode ``outcome`` next, in place of one that still waits."""
        self._waiting.put((outcome, renditions))

    def close(self) -> None:
        """End the thread."""
        self._waiting.close()
        self._thread.join()

    @batch_scheduling()
    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            outcome, renditions = item
            jpegs = {rendition: self._encode(outcome, rendition) for rendition in renditions}
            unsure = [describe(item) for item in outcome.result.unsure[:MOST_UNSURE]]
            self._publish(
                EncodedFrame(
                    to_json(outcome), outcome.frame.size_wh, jpegs, msgspec.json.encode(unsure)
                )
            )

    def _encode(self, outcome: Outcome, rendition: Rendition) -> bytes:
        self.encoded += 1
        image = _annotated(outcome) if rendition.annotated else outcome.frame.pixels
        return encode_for_viewers(image, rendition)
