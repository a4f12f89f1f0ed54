"""The pipeline: every frame through the engine and into the sinks, in three threads.

While the network works on one frame, the next is captured and the last one is written: three
threads, for OpenCV and the interpreters let go of Python's lock while they work.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from device.cameras.base import Camera, CameraLoss
from device.drawing.annotate import draw
from device.drawing.parts import EVERYTHING
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.inference_stage import FrameJob, InferenceStage
from device.pipeline.inference_thread import InferenceThread
from device.pipeline.meters import LoadMeter, RateMeter, StageMeter
from device.pipeline.motion import MotionDetector
from device.records import Classification, Detection, Outcome, Result, Timings
from device.system.scheduling import batch_scheduling
from device.system.shutdown import join_all

if TYPE_CHECKING:  # a run that follows nothing pays nothing
    from device.pipeline.watching import Watch
    from device.visits.mask import PrivacyMask
    from device.visits.plan import ScenePlan

STOP_POLL_S = 0.1  # between two looks whether the run is to end
DRAIN_S = 1.5  # for a frame that is under way in camera or network when the run is to end
JOIN_S = 0.3  # for their threads to end after that
STAGES = ("capture", "preprocess", "invoke", "decode", "draw")


class Pipeline:
    """A run of a camera's frames through an engine into sinks, and what was measured of it.

    The network sees every ``every``-th frame, with ``motion`` only those that moved; the others
    keep the detections of the last one it saw. ``engine`` may be replaced while it runs, by one
    of any variant. While ``paused``, the network sees no frame and nothing is found.
    With ``unsure_from``, results also have what scores that much and no more than the threshold.
    ``watch`` follows objects: between the frames that the network sees their boxes are predicted.
    What ``mask`` covers is black before anything sees it.
    ``parts`` are what is drawn, of :mod:`device.drawing.parts`.
    With ``inference`` that thread is shared with other pipelines; ``priority`` weighs its waits.
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
        inference: InferenceThread | None = None,
        priority: float = 1.0,
    ) -> None:
        self._camera = camera
        self.length = camera.length  # frames that there are, as far as a file says
        self._sinks = sinks
        self._unsure_from = unsure_from
        self._watch = watch
        self._mask = mask
        self._parts = parts
        self._inference = inference
        self._stage = InferenceStage(
            engine,
            live=camera.live,
            every=every,
            motion=motion,
            priority=priority,
            shared=inference is not None,
        )
        self._last: Result | None = None
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
    def engine(self) -> Engine:
        """The engine in force, which any thread may replace."""
        return self._stage.engine

    @engine.setter
    def engine(self, engine: Engine) -> None:
        self._stage.engine = engine

    @property
    def paused(self) -> bool:
        """Whether the network is to see no frame, which any thread may set."""
        return self._stage.paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._stage.paused = paused

    @property
    def dropped(self) -> int:
        """The number of frames of a live camera that a newer one overtook."""
        return self._stage.captured.dropped

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
        # A daemon: one that hangs must not keep the process alive.
        capture = threading.Thread(
            target=self._capture, args=(ends, stop), name="camera", daemon=True
        )
        inference = self._inference or InferenceThread()
        inference.add(self._stage)
        capture.start()
        try:
            with batch_scheduling():
                while self.rate.stamps != limit and (job := self._next(stop)) is not None:
                    self._finish(job)
                    progress(self)
                    del job  # its frame must not be held while the next is waited for
        finally:
            stop.set()
            self._stage.close()
            self.stuck = [thread.name for thread in join_all([capture], JOIN_S)]
            if not self._stage.left.wait(JOIN_S):
                self.stuck.append("network")
            if self._inference is None:
                inference.close()

    def _next(self, stop: threading.Event) -> FrameJob | None:
        """The next frame to finish; None after the last one.

        After ``stop`` what is under way is waited for, but not for ever.
        """
        deadline_s = math.inf
        while True:
            try:
                return self._stage.inferred.get(STOP_POLL_S)
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
                if not self._stage.put(frame if mask is None else mask.apply(frame)):
                    break
        except BaseException as exc:
            self._stage.captured.close(exc)
        self._stage.captured.close()

    def _finish(self, job: FrameJob) -> None:
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

    def _decode(self, job: FrameJob) -> Result:
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
