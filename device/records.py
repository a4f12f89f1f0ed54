"""Records: the frozen types that travel between the stages of a run.

Coordinates are pixels of the source frame, x to the right and y down, unless a name says
otherwise. Times are monotonic seconds (``_s``) or milliseconds (``_ms``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[Any]
"""Any tensor of a model: which number it holds is only known when the model is loaded."""

Pixels = NDArray[np.uint8]
"""An image as OpenCV gives it: uint8, (height, width, 3), channels blue, green, red."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of a source, and when it was taken.

    ``pixels`` are its own: no later frame has the same memory, and nobody draws on them. Threads
    may keep them.
    """

    pixels: Pixels
    index: int  # 0 for the first frame of the source
    captured_at_s: float  # monotonic: exposed, where the camera says, else when it was read
    capture_ms: float = 0.0  # what reading and decoding it took
    name: str = ""  # file name, where the source is a folder of pictures
    lores: Pixels | None = None  # the same view in few pixels, where the camera makes it itself
    shown_at_s: float | None = None  # on the clock of the file it is from, where that has one

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True)
class Detection:
    """One object: its class, how sure the network is, and its box in source pixels."""

    class_id: int
    label: str
    score: float  # 0..1
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    _: KW_ONLY
    track_id: int | None = None  # of the confirmed track that it belongs to, in a run that has them
    visit_id: int | None = None  # of the visit

    @property
    def box(self) -> tuple[float, float, float, float]:
        """``x_min, y_min, x_max, y_max`` in source pixels."""
        return self.x_min, self.y_min, self.x_max, self.y_max


@dataclass(frozen=True, slots=True)
class Classification:
    """One class that a whole image may show, and how sure the network is."""

    class_id: int
    label: str
    score: float  # 0..1


@dataclass(frozen=True, slots=True)
class Timings:
    """What each stage of one frame took, in milliseconds.

    Drawing comes after these are taken: the pipeline reports it beside them.
    """

    capture_ms: float
    preprocess_ms: float
    invoke_ms: float
    decode_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One object from its coming to its going, whatever hid it for a moment.

    Its times are seconds since 1970, of its first and its last detection.
    """

    visit_id: int  # from 1, never used again in a run
    class_id: int
    label: str
    began_s: float
    seen_s: float
    score: float  # 0..1, the best so far
    box: tuple[float, float, float, float]  # source pixels; where the score was best
    zones: tuple[str, ...] = ()  # that it was in, in the order in which it came to them

    @property
    def duration_s(self) -> float:
        """Seconds from its first to its last detection."""
        return self.seen_s - self.began_s


@dataclass(frozen=True, slots=True)
class SceneEvent:
    """Something that happened on a frame: to a visit, at a place, by a rule."""

    kind: str  # visit-began, visit-ended; zone-entered, zone-left; line-in, line-out; rule-...
    visit: Visit | None = None
    place: str = ""  # name of the zone, line or rule
    dwell_s: float | None = None  # of one that left a zone


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneState:
    """Counts of a zone since the run began."""

    name: str
    inside: int
    entered: int
    left: int
    dwell_s: float | None  # mean of those that left
    wait_s: float | None  # expected of one who joins the queue; None where it is none, or unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """Crossings of a line since the run began."""

    name: str
    ins: int
    outs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneState:
    """What is going on before the camera, and what happened on this frame."""

    time_s: float  # seconds since 1970: of a camera now, of a file as if it were played from now on
    visits: tuple[Visit, ...] = ()  # under way, oldest first
    events: tuple[SceneEvent, ...] = ()
    zones: tuple[ZoneState, ...] = ()
    lines: tuple[LineState, ...] = ()
    rules: tuple[str, ...] = ()  # names of those in force


@dataclass(frozen=True, slots=True)
class Result:
    """What was found on one frame, best score first.

    A detector fills ``detections``; a classifier ``classes``, which is None for a detector.
    """

    frame_index: int
    detections: tuple[Detection, ...]
    timings: Timings
    classes: tuple[Classification, ...] | None = None
    kept: bool = False  # found on an earlier frame: the network was spared this one
    unsure: tuple[Detection, ...] = ()  # below the threshold; where an output asks for them
    scene: SceneState | None = None  # what is going on, in a run that follows objects

    @property
    def findings(self) -> tuple[Detection, ...] | tuple[Classification, ...]:
        """What was found: a classifier's classes, a detector's detections."""
        return self.detections if self.classes is None else self.classes

    def best_of(self, labels: Collection[str]) -> Detection | Classification | None:
        """The best new finding with one of ``labels``; None where there is none.

        What was kept from an earlier frame is not new. In a run that follows objects it is part of
        a visit: not of a false box on one frame.
        """
        if self.kept:
            return None
        if self.scene is None:
            return next((item for item in self.findings if item.label in labels), None)
        visiting = (item for item in self.detections if item.visit_id is not None)
        return next((item for item in visiting if item.label in labels), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One frame at the end of the pipeline: all that a sink may want to write."""

    frame: Frame
    result: Result
    image: Pixels | None  # with detections drawn, where a sink asked for that
    draw_ms: float
    finished_at_s: float  # monotonic
    fps: float
    rss_mb: float
    cpu_percent: float

    @property
    def frame_age_ms(self) -> float:
        """From the end of capture to the end of drawing."""
        return (self.finished_at_s - self.frame.captured_at_s) * 1e3
