"""The pipeline: every frame through the engine and into the sinks, in three threads.

While the network works on one frame, the next is captured and the last one is written: three
threads, for OpenCV and the interpreters let go of Python's lock while they work. What the
network's own thread does besides invoking would be lost to it, so a file's frames come to it
fitted into its input already, and leave it undecoded. A live camera's newest frame is fitted
only when the network is ready for it: a frame that waits is a frame that ages.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from device.cameras.base import Camera, CameraLoss
from device.drawing.annotate import draw
from device.drawing.parts import EVERYTHING
from device.inference.engine import Engine
from device.inference.preprocess import Placement
from device.outputs.base import Sink
from device.pipeline.meters import LoadMeter, RateMeter, StageMeter
from device.pipeline.motion import MotionDetector
from device.records import Classification, Detection, Frame, Outcome, Result, Tensor, Timings
from device.system.frame_queue import Handover
from device.system.scheduling import batch_scheduling
from device.system.shutdown import join_all

if TYPE_CHECKING:  # a run that follows nothing pays nothing
    from device.pipeline.turns import Turn
    from device.pipeline.watching import Watch
    from device.visits.mask import PrivacyMask
    from device.visits.plan import ScenePlan

STOP_POLL_S = 0.1  # between two looks whether the run is to end
DRAIN_S = 1.5  # for a frame that is under way in camera or network when the run is to end
JOIN_S = 0.3  # for their threads to end after that
STAGES = ("capture", "preprocess", "invoke", "decode", "draw")


@dataclass(slots=True)
class _Job:
    """A frame on its way through the threads, and what they found so far."""

    frame: Frame
    engine: Engine | None = None  # None: the network is spared this frame
    still: bool = False  # because nothing moved
    placement: Placement | None = None
    tensor: Tensor | None = None  # the frame fitted into the network's input, waiting
    outputs: list[Tensor] = field(default_factory=list)
    preprocess_ms: float = 0.0
    invoke_ms: float = 0.0


class Pipeline:
    """A run of a camera's frames through an engine into sinks, and what was measured of it.

    The network sees every ``every``-th frame, with ``motion`` only those that moved; the others
    keep the detections of the last one it saw. ``engine`` may be replaced while it runs, by one
    of any variant. While ``paused``, the network sees no frame and nothing is found.
    With ``unsure_from``, results also have what scores that much and no more than the threshold.
    ``watch`` follows objects: between the frames that the network sees their boxes are predicted.
    What ``mask`` covers is black before anything sees it.
    ``parts`` are what is drawn, of :mod:`device.drawing.parts`.
    With ``turn`` the network is shared with other pipelines, each of which has one of its own.
    """

    def __init__(
        self,
        camera: Camera,
        engine: Engine,
        sinks: Sequence[Sink],
        *,
        every: int = 1,
        motion: MotionDetector | None = None,
        unsure_from: float | None = None,
        watch: Watch | None = None,
        mask: PrivacyMask | None = None,
        parts: AbstractSet[str] = EVERYTHING,
        turn: Turn | None = None,
    ) -> None:
        self.engine = engine
        self.paused = False
        self._camera = camera
        self.length = camera.length  # frames that there are, as far as a file says
        self._sinks = sinks
        self._every = every
        self._motion = motion
        self._unsure_from = unsure_from
        self._watch = watch
        self._mask = mask
        self._parts = parts
        self._turn = turn
        self._considered = 0
        self._last: Result | None = None
        self._captured: Handover[_Job] = Handover(1, newest=camera.live)
        self._inferred: Handover[_Job] = Handover(1)
        self.rate = RateMeter()
        self.stages = StageMeter(STAGES)
        self.load = LoadMeter()
        self.frames_with: Counter[str] = Counter()  # label -> frames it was seen on
        self.spared = 0  # frames that the network did not see
        self.stuck: list[str] = []  # what hung when the run ended: camera, network

    def take_plan(self, plan: ScenePlan, mask: PrivacyMask | None) -> None:
        """Watch the places of ``plan``, and black out what ``mask`` covers, from now on."""
        self._mask = mask
        if self._watch is not None:
            self._watch.take_plan(plan)

    @property
    def dropped(self) -> int:
        """The number of frames of a live camera that a newer one overtook."""
        return self._captured.dropped

    @property
    def loss(self) -> CameraLoss | None:
        """The loss of the camera; None while it is there."""
        return self._camera.loss

    def run(
        self,
        limit: int | None,
        stop: threading.Event,
        progress: Callable[[Pipeline], None] = lambda _: None,
    ) -> None:
        """Run until the source ends, ``limit`` frames are done or ``stop`` is set.

        ``stop`` is set when the run ends, however it does. ``progress`` is called after every
        frame. A camera or a network that hangs then is left behind, and is in ``stuck``. Runs once.
        """
        ends = None if self._camera.live else limit  # a live one's frames may be dropped
        # Daemons: one that hangs must not keep the process alive.
        threads = [
            threading.Thread(target=self._capture, args=(ends, stop), name="camera", daemon=True),
            threading.Thread(target=self._infer, name="network", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            with batch_scheduling():
                while self.rate.stamps != limit and (job := self._next(stop)) is not None:
                    self._finish(job)
                    progress(self)
        finally:
            stop.set()
            self._inferred.close()
            self._captured.close()
            self.stuck = [thread.name for thread in join_all(threads, JOIN_S)]

    def _next(self, stop: threading.Event) -> _Job | None:
        """The next frame to finish; None after the last one.

        After ``stop`` what is under way is waited for, but not for ever.
        """
        deadline_s = math.inf
        while True:
            try:
                return self._inferred.get(STOP_POLL_S)
            except TimeoutError:
                if stop.is_set():
                    deadline_s = min(deadline_s, time.monotonic() + DRAIN_S)
                    if time.monotonic() >= deadline_s:
                        return None

    @batch_scheduling()
    def _capture(self, limit: int | None, stop: threading.Event) -> None:
        try:
            for frame in self._camera.frames(limit, stop):
                mask = self._mask  # another thread may give another one
                job = _Job(frame if mask is None else mask.apply(frame))
                if not self._camera.live and self._is_wanted(job):
                    engine = self.engine
                    self._prepare(job, engine, engine.new_input())
                if not self._captured.put(job):
                    break
        except BaseException as exc:
            self._captured.close(exc)
        self._captured.close()

    def _infer(self) -> None:
        turn = self._turn
        try:
            while (job := self._captured.get()) is not None:
                if self._camera.live and self._is_wanted(job):
                    job.engine = self.engine
                if job.engine is not None:
                    job = self._take_turn(job)
                # One that is kept must not be held while something else is waited for.
                if turn is not None and self._inferred.is_full:
                    turn.pass_on()
                if not self._inferred.put(job):
                    break
                if turn is not None and self._captured.is_empty:
                    turn.pass_on()
        except BaseException as exc:
            self._inferred.close(exc)
        self._inferred.close()
        if turn is not None:
            turn.pass_on()

    def _take_turn(self, job: _Job) -> _Job:
        """Run the network on a frame, or on a newer one that came while others had their turn."""
        if self._turn is None:
            self._invoke(job)
            return job
        with self._turn:
            if self._camera.live:
                engine, job = job.engine, self._captured.newer(job)
                job.engine = engine
            self._invoke(job)
        return job

    def _invoke(self, job: _Job) -> None:
        engine = job.engine
        assert engine is not None
        if job.placement is None:
            self._prepare(job, engine, None)
        started = time.perf_counter()
        job.outputs = engine.invoke(job.tensor)
        job.invoke_ms = (time.perf_counter() - started) * 1e3

    def _is_wanted(self, job: _Job) -> bool:
        """Whether the network is to see this frame."""
        if self.paused:
            return False
        self._considered += 1
        if (self._considered - 1) % self._every:
            return False
        job.still = self._motion is not None and not self._motion.moved(job.frame.pixels)
        return not job.still

    def _prepare(self, job: _Job, engine: Engine, tensor: Tensor | None) -> None:
        started = time.perf_counter()
        job.placement = engine.prepare(job.frame, tensor)
        job.engine, job.tensor = engine, tensor
        job.preprocess_ms = (time.perf_counter() - started) * 1e3

    def _finish(self, job: _Job) -> None:
        """Decode, draw, measure and write."""
        result = self._decode(job)
        if self._watch is not None and not self.paused:
            result = self._last = self._watch.update(
                result, job.frame, self.engine.thresholds, still=job.still
            )
        started = time.perf_counter()
        image = None
        if any(sink.needs_image(job.frame) for sink in self._sinks):
            image = job.frame.pixels.copy()
            draw(image, result.detections, self._status(), result.classes or (), self._parts)
        draw_ms = (time.perf_counter() - started) * 1e3
        now_s = time.monotonic()
        self.rate.stamp(now_s)
        self.load.update(now_s)
        timings = result.timings
        self.stages.add(
            {
                "capture": timings.capture_ms,
                "preprocess": timings.preprocess_ms,
                "invoke": timings.invoke_ms,
                "decode": timings.decode_ms,
                "draw": draw_ms,
            }
        )
        seen = result.detections if result.classes is None else result.classes[:1]
        self.frames_with.update(dict.fromkeys((item.label for item in seen), 1))  # each once
        outcome = Outcome(
            job.frame,
            result,
            image,
            draw_ms,
            now_s,
            self.rate.recent_fps,
            self.load.rss_mb,
            self.load.cpu_percent,
        )
        for sink in self._sinks:
            sink.write(outcome)

    def _decode(self, job: _Job) -> Result:
        frame = job.frame
        if job.engine is None or job.placement is None:
            self.spared += 1
            timings = Timings(frame.capture_ms, 0.0, 0.0, 0.0)
            if self.paused:
                self._last = None  # what was there before is no longer known to be
            if self._last is None:
                return Result(frame.index, (), timings, kept=True)
            return replace(self._last, frame_index=frame.index, timings=timings, kept=True)
        started = time.perf_counter()
        unsure: tuple[Detection, ...] = ()
        classes: tuple[Classification, ...] | None = None
        least = self._least_score
        if least is not None and job.engine.task == "detection":
            detections, unsure = job.engine.find_with_unsure(job.outputs, job.placement, least)
        else:
            detections, classes = job.engine.find(job.outputs, job.placement)
        decode_ms = (time.perf_counter() - started) * 1e3
        timings = Timings(frame.capture_ms, job.preprocess_ms, job.invoke_ms, decode_ms)
        self._last = Result(frame.index, detections, timings, classes, unsure=unsure)
        return self._last

    @property
    def _least_score(self) -> float | None:
        """From which score on the unsure ones are wanted: by an output, or to keep a track."""
        wanted = [] if self._unsure_from is None else [self._unsure_from]
        if self._watch is not None:
            wanted.append(self._watch.unsure_from)
        return min(wanted, default=None)

    def _status(self) -> str:
        fps = self.rate.recent_fps
        return (f"{fps:.0f} FPS  " if fps else "") + f"{self.load.rss_mb:.0f} MB"
