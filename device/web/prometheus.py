"""Prometheus exposition: the run's figures, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from device.pipeline.history import History
from device.pipeline.pipeline import Pipeline
from device.system.board import State, throttled_now


class _Snapshot(Collector):
    """One look at a run."""

    def __init__(
        self, pipeline: Pipeline, history: History, state: State, viewers: int, name: str
    ) -> None:
        self._pipeline = pipeline
        self._history = history
        self._state = state
        self._viewers = viewers
        self._name = name

    def collect(self) -> Iterator[Metric]:
        pipeline, history, state = self._pipeline, self._history, self._state
        engine = pipeline.engine
        info = {"variant": engine.variant, "task": engine.task}
        if self._name:
            info["name"] = self._name
        yield InfoMetricFamily("liteberry", "What runs.", info)
        yield GaugeMetricFamily(
            "liteberry_up", "1 while frames flow.", 0 if history.ailment() else 1
        )
        yield CounterMetricFamily("liteberry_frames", "Frames finished.", history.frames)
        yield CounterMetricFamily(
            "liteberry_frames_dropped", "Frames that a newer one overtook.", pipeline.dropped
        )
        yield CounterMetricFamily(
            "liteberry_frames_spared", "Frames that the network did not see.", pipeline.spared
        )
        yield GaugeMetricFamily(
            "liteberry_fps", "Frames per second, over about a second.", pipeline.rate.recent_fps
        )
        stages = SummaryMetricFamily(
            "liteberry_stage_seconds", "What each stage of a frame took.", labels=["stage"]
        )
        for stage, sum_ms in history.frame_ms.items():
            if stage != "age":
                stages.add_metric([stage], history.frames, sum_ms / 1e3)
        yield stages
        yield SummaryMetricFamily(
            "liteberry_frame_age_seconds",
            "From the end of capture to the end of drawing.",
            history.frames,
            history.frame_ms["age"] / 1e3,
        )
        seen = CounterMetricFamily(
            "liteberry_frames_with", "Frames that a class was found on.", labels=["label"]
        )
        for label, count in pipeline.frames_with.copy().items():
            seen.add_metric([label], count)
        yield seen
        yield GaugeMetricFamily("liteberry_threshold", "Least score.", engine.threshold)
        yield GaugeMetricFamily("liteberry_viewers", "Who watches now.", self._viewers)
        if state.temperature_c is not None:
            yield GaugeMetricFamily(
                "liteberry_temperature_celsius", "Of the processor.", state.temperature_c
            )
        if state.throttled is not None:
            yield GaugeMetricFamily(
                "liteberry_throttled",
                "1 while the board holds its processor back.",
                1 if throttled_now(state.throttled) else 0,
            )


def exposition(
    pipeline: Pipeline, history: History, state: State, viewers: int, name: str = ""
) -> bytes:
    """The text to answer a scrape with, the process's own standard figures included.

    ``name`` is the run's, where it has one.
    """
    registry = CollectorRegistry()
    registry.register(_Snapshot(pipeline, history, state, viewers, name))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
