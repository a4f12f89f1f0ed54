"""The feed of the live page: the sink by which a run reaches those who watch it."""

from __future__ import annotations

from collections.abc import Callable

from device.outputs.base import Sink
from device.pipeline.history import History
from device.records import Outcome
from device.web.broadcast import Audience
from device.web.frame_encoder import EncodedFrame, StreamEncoder


class PageFeed(Sink):
    """A sink that notes how every frame went, and passes those that are due to an encoder.

    At most ``fps`` frames a second are passed on, with an image only for viewers that are ready
    for one: with nobody watching, nothing is encoded. Of the pipeline no drawing is asked for:
    the page draws the boxes itself.
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

    def write(self, outcome: Outcome) -> None:
        """Note how the frame went, and have it encoded if it is due."""
        self.history.add(outcome)
        now_s = outcome.finished_at_s
        if self._encoder is None or now_s < self._due_s or not self.audience.wants_frame:
            return
        self._due_s = max(self._due_s + self._period_s, now_s)
        self._encoder.put(outcome, self.audience.renditions)

    def close(self) -> None:
        """End the encoder."""
        if self._encoder is not None:
            self._encoder.close()
