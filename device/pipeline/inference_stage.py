"""The inference stage of a pipeline: which frames the network sees, and how they get there.

What the network's thread does besides invoking would be lost to the network, so a file's frames
come to it fitted into its input already, and leave it undecoded. A live camera's newest frame is
fitted only when the network is ready for it: a frame that waits is a frame that ages.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from device.inference.engine import Engine
from device.inference.preprocess import Placement
from device.pipeline.motion import MotionDetector
from device.records import Frame, Tensor
from device.system.frame_queue import Handover


@dataclass(slots=True)
class FrameJob:
    """A frame on its way through the threads, and what they found so far."""

    frame: Frame
    engine: Engine | None = None  # None: the network is spared this frame
    still: bool = False  # because nothing moved
    placement: Placement | None = None
    tensor: Tensor | None = None  # the frame fitted into the network's input, waiting
    outputs: list[Tensor] = field(default_factory=list)
    preprocess_ms: float = 0.0
    invoke_ms: float = 0.0


class InferenceStage:
    """Takes jobs from the capture thread, has the network see them, and hands them on.

    ``captured`` holds the next frame, of a ``live`` camera the newest; ``inferred`` those that the
    network is done with: two, so that it need not wait for the first to be taken.
    The network sees every ``every``-th frame, with ``motion`` only those that moved.
    ``priority`` weighs its waits where several stages share the network. With ``shared`` the next
    frame of a file is read only when the last one has its turn: a wait needs no frames in reserve.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        live: bool,
        every: int = 1,
        motion: MotionDetector | None = None,
        priority: float = 1.0,
        shared: bool = False,
    ) -> None:
        self.engine = engine
        self.paused = False
        self._priority = priority
        self._turn_began_s = -math.inf
        self.left = threading.Event()  # set once the network serves it no more
        self.captured: Handover[FrameJob] = Handover(1, newest=live)
        self.inferred: Handover[FrameJob] = Handover(2)
        self._live = live
        self._reads_late = shared and not live
        self._every = every
        self._motion = motion
        self._considered = 0
        self._done: FrameJob | None = None  # by the network, and not handed on yet

    def put(self, frame: Frame) -> bool:
        """Take a frame of the camera, and return when to read the next; False: no more."""
        job = FrameJob(frame)
        if not self._live and self._is_wanted(job):
            engine = self.engine
            self._prepare(job, engine, engine.new_input())
        is_open = self.captured.put(job)
        return self.captured.wait_for_room() if is_open and self._reads_late else is_open

    @property
    def is_ready(self) -> bool:
        """Whether :meth:`step`, and :meth:`hand_on` after it, would wait for no other thread."""
        if self._done is None:
            has_room = not self.inferred.put_waits
        else:
            has_room = self.inferred.get_waits or self.inferred.is_closed  # for both
        return has_room and not self.captured.get_waits

    @property
    def has_ended(self) -> bool:
        """Whether no more frames leave it."""
        return self.inferred.is_closed

    def score(self, now_s: float) -> float:
        """How urgent its next frame is."""
        return (now_s - self._turn_began_s) * self._priority

    def step(self, now_s: float, fitted: Callable[[], None]) -> None:
        """Run the network on the next frame, if it is wanted; :meth:`hand_on` is to be called then.

        ``fitted`` is called when all is done that comes before the network's own work. What goes
        wrong ends this stage.
        """
        try:
            job = self.captured.get()
            if job is not None and self._live and self._is_wanted(job):
                job.engine = self.engine
            if job is not None and job.engine is not None and job.placement is None:
                self._prepare(job, job.engine, None)
            fitted()
            if job is None:
                self.inferred.close()
                return
            if job.engine is not None:
                self._turn_began_s = now_s
                self._invoke(job, job.engine)
            self._done = job
        except BaseException as exc:
            fitted()
            self.inferred.close(exc)

    def hand_on(self) -> None:
        """Hand on the frame that the network is done with, if there is one."""
        job, self._done = self._done, None
        if job is not None:
            self.inferred.put(job)

    def close(self) -> None:
        """Let nobody wait for frames, or for room for them."""
        self.inferred.close()
        self.captured.close()

    def _is_wanted(self, job: FrameJob) -> bool:
        """Whether the network is to see this frame."""
        if self.paused:
            return False
        self._considered += 1
        if (self._considered - 1) % self._every:
            return False
        job.still = self._motion is not None and not self._motion.moved(job.frame.pixels)
        return not job.still

    def _prepare(self, job: FrameJob, engine: Engine, tensor: Tensor | None) -> None:
        started = time.perf_counter()
        job.placement = engine.prepare(job.frame, tensor)
        job.engine, job.tensor = engine, tensor
        job.preprocess_ms = (time.perf_counter() - started) * 1e3

    def _invoke(self, job: FrameJob, engine: Engine) -> None:
        started = time.perf_counter()
        job.outputs = engine.invoke(job.tensor)
        job.invoke_ms = (time.perf_counter() - started) * 1e3
