"""The frame encoder: outcomes as viewers get them, a JPEG and a line of JSON, once for all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from device.outputs.serialization import to_json
from device.records import Outcome, Pixels
from device.system.frame_queue import Handover

QUALITY = 80  # of 100: edges of boxes and letters stay clean
LONGEST_SIDE = 1280  # pixels; no phone shows more, and a Pi's radio has to carry it


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """A frame as viewers get it."""

    line: bytes  # of JSON, as in the log
    size_wh: tuple[int, int]  # of the source's frame, in whose pixels the line's boxes are
    jpeg: bytes | None  # None where nobody asked for a picture


def encode_for_viewers(image: Pixels) -> bytes:
    """``image`` (uint8 BGR) as a JPEG, its longer side no longer than 1280 pixels."""
    height, width = image.shape[:2]
    scale = LONGEST_SIDE / max(width, height)
    if scale < 1:
        size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
        shown = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    else:
        shown = image
    ok, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert ok, "OpenCV encodes any 8-bit picture"
    return data.tobytes()


class StreamEncoder:
    """A thread that encodes the newest outcome put, and passes over those it has no time for."""

    def __init__(self, publish: Callable[[EncodedFrame], None]) -> None:
        """``publish`` is called in the encoder's thread."""
        self._publish = publish
        self._waiting: Handover[tuple[Outcome, bool]] = Handover(1, newest=True)
        self._thread = threading.Thread(target=self._run, name="encoder")
        self.encoded = 0  # pictures
        self._thread.start()

    def put(self, outcome: Outcome, with_image: bool) -> None:
        """Encode ``outcome`` next, in place of one that still waits."""
        self._waiting.put((outcome, with_image))

    def close(self) -> None:
        """End the thread."""
        self._waiting.close()
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            outcome, with_image = item
            jpeg = None
            if with_image and outcome.image is not None:
                jpeg = encode_for_viewers(outcome.image)
                self.encoded += 1
            self._publish(EncodedFrame(to_json(outcome), outcome.frame.size_wh, jpeg))
