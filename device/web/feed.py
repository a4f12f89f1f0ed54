"""The feed of the live page: the sink by which a run reaches those who watch it."""

from __future__ import annotations

import time
from collections.abc import Callable

from device.outputs.base import Sink
from device.pipeline.history import History
from device.records import Outcome
from device.web.broadcast import Audience
from device.web.frame_encoder import EncodedFrame, StreamEncoder


class PageFeed(Sink):
    """A sink that notes how every frame went, and passes those that are due to an encoder.

    At most ``fps`` frames a second are passed on, and annotated only for viewers that are ready
    for an image: with nobody watching, nothing is drawn or encoded.
    """

    def __init__(self, fps: float) -> None:
        self.audience = Audience()
        self.history = History()
        self._period_s = 1 / fps
        self._due_s = 0.0  # monotonic, of the next frame
        self._encoder: StreamEncoder | None = None

    def start(self, publish: Callable[[EncodedFrame], None]) -> None:
        """Begin to encode; ``publish`` is called in the encoder's thread."""
        self._encoder = StreamEncoder(publish)

    @property
    def encoded(self) -> int:
        """The number of images encoded so far."""
        return 0 if self._encoder is None else self._encoder.encoded

    def needs_image(self) -> bool:
        """Whether the next outcome is to be drawn: a viewer is ready, and it is time."""
        return self.audience.wants_image and time.monotonic() >= self._due_s

    def write(self, outcome: Outcome) -> None:
        """Note how the frame went, and have it encoded if it is due."""
        self.history.add(outcome)
        now_s = outcome.finished_at_s
        wants_image = self.audience.wants_image
        if self._encoder is None or now_s < self._due_s or not self.audience.wants_frame:
            return
        if wants_image and outcome.image is None:  # asked for since this one was drawn
            return
        self._due_s = max(self._due_s + self._period_s, now_s)
        self._encoder.put(outcome, wants_image)

    def close(self) -> None:
        """End the encoder."""
        if self._encoder is not None:
            self._encoder.close()
