"""The worker process: measures one combination, sharing no memory or caches with others."""

from __future__ import annotations

import contextlib
import importlib
import statistics
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import cv2
import numpy as np

from device.bench.job import Frames, Invokes, Tick, WorkerJob
from device.bench.record import MemoryUse, Times
from device.bench.timing import time_calls, timing_cost_ms
from device.bundle.bundle import Bundle
from device.bundle.model import Model
from device.cameras.base import Camera, CameraOptions
from device.cameras.iterable import IterableCamera
from device.cameras.open import open_camera
from device.images import read_image
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.pipeline import Pipeline
from device.records import Frame, Outcome, Pixels
from device.runtimes import ORIGINS
from device.schema import Record
from device.system.console import say
from device.system.isolated_process import serve
from device.system.memory_trim import forget_startup, share_one_arena
from device.system.resource_usage import peak_rss_mb, pss_mb, rss_mb

STAGES = ("capture", "preprocess", "invoke", "decode")
STRETCH_S = 5.0  # of a sustained run, that one figure is given for


class _CpuMeter:
    """Processor time over time, from its making on."""

    def __init__(self) -> None:
        self._started_s = time.perf_counter()
        self._cpu_s = time.process_time()

    @property
    def percent(self) -> float:
        elapsed_s = time.perf_counter() - self._started_s
        return round(100 * (time.process_time() - self._cpu_s) / elapsed_s, 1)


def _memory() -> MemoryUse:
    proportional_mb = pss_mb()
    return MemoryUse(
        resident_mb=round(rss_mb(), 1),
        proportional_mb=None if proportional_mb is None else round(proportional_mb, 1),
        peak_mb=round(peak_rss_mb(), 1),
    )


def _rounded(times_ms: list[float]) -> Times:
    return tuple(round(time_ms, 4) for time_ms in times_ms)


def _ms_since(started_s: float) -> float:
    return round((time.perf_counter() - started_s) * 1e3, 3)


def _image(bundle: Model, seed: int) -> Frame:
    """A photograph of the bundle, where it has one; noise where not."""
    if bundle.manifest.samples:
        pixels = read_image(bundle.file(bundle.manifest.samples[0].file))
    else:
        rule = bundle.manifest.input
        generator = np.random.default_rng(seed)
        pixels = generator.integers(0, 256, (rule.height, rule.width, 3), np.uint8)
    return Frame(pixels, 0, time.monotonic())


def measure_invokes(job: WorkerJob) -> Invokes:
    """Load, invoke once, warm up, then time every invoke."""
    bundle = _bundle(job)
    started_s = time.perf_counter()
    importlib.import_module(ORIGINS[job.interpreter].module)
    import_ms = _ms_since(started_s)
    started_s = time.perf_counter()
    with _engine(job, bundle) as engine:
        load_ms = _ms_since(started_s)
        forget_startup(engine.model)
        image = _image(bundle, job.seed)
        engine.prepare(image)
        invoke = engine.interpreter.invoke
        started_s = time.perf_counter()
        invoke()
        first_invoke_ms = _ms_since(started_s)
        for _ in range(job.warmups):
            invoke()
        meter = _CpuMeter()
        times_ms = time_calls(invoke, job.min_count, job.min_time_s)
        cpu_percent = meter.percent
        found = Invokes(
            delegate=engine.interpreter.delegate,
            import_ms=import_ms,
            load_ms=load_ms,
            first_invoke_ms=first_invoke_ms,
            invoke_ms=_rounded(times_ms),
            timing_cost_ms=timing_cost_ms(),
            cpu_percent=cpu_percent,
            memory=_memory(),
        )
        if job.keep_input is not None:
            engine.prepare(image)  # once more: an interpreter may use its input's memory
            np.save(job.keep_input, engine.interpreter.input_tensor())
        return found


def _bundle(job: WorkerJob) -> Model:
    folder = Path(job.bundle)
    if job.bare is None:
        return Bundle(folder)
    from device.bundle.bare_model import BareModel

    manifest, anchors = job.bare.manifest, None
    if job.bare.anchors is not None:
        anchors = np.frombuffer(job.bare.anchors, np.float32).reshape(-1, 4)
    (file,) = manifest.files
    return BareModel(folder / file, manifest, job.bare.labels, anchors)


def _engine(job: WorkerJob, bundle: Model) -> Engine:
    return Engine(
        bundle,
        job.variant,
        interpreter=job.interpreter,
        threads=job.threads,
        delegate=job.delegate,
    )


def _again_and_again(open_once: Callable[[], Camera]) -> Generator[Pixels, None, None]:
    """The pictures of a source that ends, opened anew each time, so that it is long enough."""
    while True:
        with open_once() as camera:
            for frame in camera.frames():
                yield frame.pixels


def _run_pipeline(job: WorkerJob, sink: Sink, stop: threading.Event) -> Pipeline:
    """Send the frames of the job's source to ``sink`` until ``stop`` is set."""
    assert job.source is not None
    source = job.source
    bundle = _bundle(job)
    samples = bundle.manifest.samples if source == "demo" else ()
    images = [bundle.file(item.file) for item in samples]

    def open_once() -> Camera:
        return open_camera(source, images, say, CameraOptions(seed=job.seed))

    with contextlib.ExitStack() as stack:
        camera = stack.enter_context(open_once())
        if not camera.live:
            camera.close()
            endless = stack.enter_context(contextlib.closing(_again_and_again(open_once)))
            camera = IterableCamera(endless)
        engine = stack.enter_context(_engine(job, bundle))
        forget_startup(engine.model)
        pipeline = Pipeline(camera, engine, [sink])
        pipeline.run(None, stop)
        return pipeline


class _Recorder(Sink):
    """Keeps the times of enough frames, then stops the run; the first are warm-ups."""

    def __init__(self, job: WorkerJob, stop: threading.Event) -> None:
        self._job = job
        self._stop = stop
        self._warmups = max(1, job.warmups)  # one at least: what is timed lies between two frames
        self._started_s = self._last_s = 0.0
        self._meter = _CpuMeter()
        self.frame_ms: list[float] = []
        self.age_ms: list[float] = []
        self.stages_ms: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self.cpu_percent = 0.0

    def write(self, outcome: Outcome) -> None:
        """Note one frame."""
        if self._stop.is_set():  # it was on its way when enough had come
            return
        now_s = outcome.finished_at_s
        if self._warmups:
            self._warmups -= 1
            self._started_s = self._last_s = now_s
            self._meter = _CpuMeter()
            return
        self.frame_ms.append((now_s - self._last_s) * 1e3)
        self._last_s = now_s
        self.age_ms.append(outcome.frame_age_ms)
        for stage, times_ms in self.stages_ms.items():
            times_ms.append(getattr(outcome.result.timings, f"{stage}_ms"))
        job, elapsed_s = self._job, now_s - self._started_s
        if len(self.frame_ms) >= job.min_count and elapsed_s >= job.min_time_s:
            self.cpu_percent = self._meter.percent
            self._stop.set()

    def close(self) -> None:
        """Nothing is held open."""


def measure_frames(job: WorkerJob) -> Frames:
    """Send frames through the pipeline that ``detect`` runs, nothing drawn or written."""
    stop = threading.Event()
    recorder = _Recorder(job, stop)
    pipeline = _run_pipeline(job, recorder, stop)
    return Frames(
        frame_ms=_rounded(recorder.frame_ms),
        age_ms=_rounded(recorder.age_ms),
        stages_ms={stage: _rounded(times_ms) for stage, times_ms in recorder.stages_ms.items()},
        dropped=pipeline.dropped,
        cpu_percent=recorder.cpu_percent,
        memory=_memory(),
    )


class _Stretches(Sink):
    """Tells the rate of every few seconds, and stops the run after so long."""

    def __init__(
        self, job: WorkerJob, stop: threading.Event, tell: Callable[[Record], None]
    ) -> None:
        assert job.sustain_s is not None
        self._duration_s = job.sustain_s
        self._stop = stop
        self._tell = tell
        self._started_s = self._last_s = time.monotonic()
        self._times_ms: list[float] = []
        self._stretch_s = min(STRETCH_S, job.sustain_s)

    def note(self, now_s: float) -> None:
        """Something was done at ``now_s`` (monotonic seconds)."""
        if self._stop.is_set():
            return
        self._times_ms.append((now_s - self._last_s) * 1e3)
        self._last_s = now_s
        elapsed_s = sum(self._times_ms) / 1e3
        if elapsed_s < self._stretch_s:
            return
        self._tell(
            Tick(
                elapsed_s=round(now_s - self._started_s, 1),
                fps=round(len(self._times_ms) / elapsed_s, 2),
                median_ms=round(statistics.median(self._times_ms), 3),
            )
        )
        self._times_ms.clear()
        if now_s - self._started_s >= self._duration_s:
            self._stop.set()

    def write(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.note(outcome.finished_at_s)

    def close(self) -> None:
        """Nothing is held open."""


def sustain(job: WorkerJob, tell: Callable[[Record], None]) -> None:
    """Run frames, or invokes without a source, for ``job.sustain_s``; ``tell`` every stretch."""
    stop = threading.Event()
    if job.source is not None:
        _run_pipeline(job, _Stretches(job, stop, tell), stop)
        return
    bundle = _bundle(job)
    with _engine(job, bundle) as engine:
        engine.prepare(_image(bundle, job.seed))
        stretches = _Stretches(job, stop, tell)
        while not stop.is_set():
            engine.interpreter.invoke()
            stretches.note(time.monotonic())


def work(job: WorkerJob, tell: Callable[[Record], None]) -> None:
    """Do what ``job`` asks, as ``detect`` would, and tell what was found."""
    share_one_arena()
    cv2.setNumThreads(1)
    if job.sustain_s is not None:
        sustain(job, tell)
    else:
        tell(measure_invokes(job) if job.source is None else measure_frames(job))


if __name__ == "__main__":
    serve(WorkerJob, work)
