"""The progress of a run: a line that is rewritten on a terminal."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device.pipeline.pipeline import Pipeline


class FrameProgress:
    """A line that is rewritten on a terminal, twice a second; silent elsewhere."""

    INTERVAL_S = 0.5

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._next_s = 0.0
        self._shown = sys.stderr.isatty()

    def __call__(self, pipeline: Pipeline) -> None:
        """Show how far it is, unless that was shown a moment ago."""
        now_s = time.monotonic()
        if self._shown and now_s >= self._next_s:
            self._next_s = now_s + self.INTERVAL_S
            rate = pipeline.rate
            line = f"  frame {rate.stamps}{self._rest(rate.stamps, rate.recent_fps)}"
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def show_all(self, pipelines: Mapping[str, Pipeline]) -> None:
        """The same of several cameras, by name."""
        now_s = time.monotonic()
        if self._shown and now_s >= self._next_s:
            self._next_s = now_s + self.INTERVAL_S
            rates = [(name, pipeline.rate) for name, pipeline in pipelines.items()]
            each = (f"{name} {rate.stamps}, {rate.recent_fps:.0f} FPS" for name, rate in rates)
            line = f"  {'; '.join(each)}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def _rest(self, done: int, fps: float) -> str:
        """Of how many, how fast, and how long the others will take."""
        if not self._total:
            return f", {fps:.0f} FPS"
        left_s = max(0, self._total - done) / fps if fps > 0 else math.inf
        left = f", {left_s // 60:.0f}:{left_s % 60:02.0f} left" if left_s < 360_000 else ""
        return f" of {self._total}, {fps:.0f} FPS{left}"

    def close(self) -> None:
        """Leave the terminal at the start of an empty line."""
        if self._next_s:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
