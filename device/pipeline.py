"""The loop: every frame through the engine and into the sinks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from device.camera import Camera
from device.draw import draw
from device.engine import Engine
from device.metrics import LoadMeter, RateMeter, StageMeter, peak_rss_mb
from device.records import Outcome
from device.sinks import Sink

STAGES = ("capture", "preprocess", "invoke", "decode", "draw")


class Pipeline:
    """One run; holds what was measured, during the run and after it."""

    def __init__(self, camera: Camera, engine: Engine, sinks: Sequence[Sink]) -> None:
        self._camera = camera
        self._engine = engine
        self._sinks = sinks
        self._draws = any(sink.wants_picture for sink in sinks)
        self.rate = RateMeter()
        self.stages = StageMeter(STAGES)
        self.load = LoadMeter()
        self.frames_with: Counter[str] = Counter()  # label -> frames it was seen on

    def run(
        self,
        limit: int | None,
        stop: threading.Event,
        progress: Callable[[Pipeline], None] = lambda _: None,
    ) -> None:
        """Run until the source ends, ``limit`` frames are done or ``stop`` is set.

        ``progress`` is called after every frame.
        """
        for frame in self._camera.frames(limit, stop):
            result = self._engine.run(frame)
            started = time.perf_counter()
            picture = None
            if self._draws:
                picture = frame.pixels.copy()
                draw(picture, result.detections, self._status(), result.classes or ())
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
            self.frames_with.update({item.label for item in seen})
            outcome = Outcome(
                frame,
                result,
                picture,
                draw_ms,
                now_s,
                self.rate.recent_fps,
                self.load.rss_mb,
                self.load.cpu_percent,
            )
            for sink in self._sinks:
                sink.write(outcome)
            progress(self)

    def _status(self) -> str:
        fps = self.rate.recent_fps
        return (f"{fps:.0f} FPS  " if fps else "") + f"{self.load.rss_mb:.0f} MB"

    def summary(self) -> str:
        """What the run did and cost, as lines to print."""
        if self.rate.stamps == 0:
            return "no frames"
        lines = [
            f"{self.rate.stamps} frames, {self.rate.fps:.1f} FPS; "
            f"peak memory {peak_rss_mb():.0f} MB, "
            f"CPU {self.load.mean_cpu_percent:.0f} % of one core",
            f"{'ms per frame':<14}{'median':>8}{'p99':>8}",
        ]
        for stage in STAGES:
            median, p99 = (self.stages.quantile(stage, fraction) for fraction in (0.5, 0.99))
            lines.append(f"  {stage:<12}{median:8.2f}{p99:8.2f}")
        seen = ", ".join(f"{label} on {count}" for label, count in self.frames_with.most_common(8))
        lines.append(f"seen: {seen or 'nothing above the threshold'}")
        return "\n".join(lines)
