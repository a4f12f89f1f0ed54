"""Prometheus exposition: the run's figures, read when they are asked for."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

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
from device.records import SceneState
from device.system.board import UNDER_VOLTAGE, State, throttled_now

if TYPE_CHECKING:
    from device.web.run import Run

ABOUT = ("name", "version", "model", "bundle")  # of what viewers are told of a run once


class _Snapshot(Collector):
    """One look at a run."""

    def __init__(
        self,
        pipeline: Pipeline,
        history: History,
        viewers: int,
        about: Mapping[str, object],
    ) -> None:
        self._pipeline = pipeline
        self._history = history
        self._viewers = viewers
        self._about = about

    def collect(self) -> Iterator[Metric]:
        pipeline, history = self._pipeline, self._history
        engine = pipeline.engine
        info = {"variant": engine.variant, "task": engine.task}
        info |= {key: str(self._about[key]) for key in ABOUT if self._about.get(key)}
        yield InfoMetricFamily("liteberry", "What runs.", info)
        yield GaugeMetricFamily(
            "liteberry_up", "1 while frames flow.", 0 if history.ailment() else 1
        )
        yield GaugeMetricFamily(
            "liteberry_camera_lost",
            "1 while the camera is gone or stands still.",
            0 if pipeline.loss is None else 1,
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
        if history.scene is not None:
            yield from _of_scene(history.scene)


class _Machine(Collector):
    """One look at the machine."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state
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
            yield GaugeMetricFamily(
                "liteberry_under_voltage",
                "1 while the power supply is too weak.",
                1 if UNDER_VOLTAGE in throttled_now(state.throttled) else 0,
            )
        with contextlib.suppress(OSError):  # the folder may be gone
            yield GaugeMetricFamily(
                "liteberry_disk_free_bytes",
                "Free on the disk where the run was started.",
                shutil.disk_usage(".").free,
            )


def _of_scene(scene: SceneState) -> Iterator[Metric]:
    """Zones, lines and rules; names are the user's, and escaped as labels are."""
    visits = GaugeMetricFamily("liteberry_visits", "Visits under way.", len(scene.visits))
    inside = GaugeMetricFamily("liteberry_zone_inside", "Who is in a zone.", labels=["zone"])
    entered = CounterMetricFamily(
        "liteberry_zone_entries", "Who came into a zone.", labels=["zone"]
    )
    wait = GaugeMetricFamily(
        "liteberry_queue_wait_seconds", "Expected of one who joins a queue.", labels=["zone"]
    )
    for zone in scene.zones:
        inside.add_metric([zone.name], zone.inside)
        entered.add_metric([zone.name], zone.entered)
        if zone.wait_s is not None:
            wait.add_metric([zone.name], zone.wait_s)
    crossings = CounterMetricFamily(
        "liteberry_line_crossings", "Who crossed a line.", labels=["line", "direction"]
    )
    for line in scene.lines:
        crossings.add_metric([line.name, "in"], line.ins)
        crossings.add_metric([line.name, "out"], line.outs)
    rules = GaugeMetricFamily("liteberry_rule_active", "1: a rule in force.", labels=["rule"])
    for rule in scene.rules:
        rules.add_metric([rule], 1)
    yield from (visits, inside, entered, wait, crossings, rules)


def exposition(
    pipeline: Pipeline,
    history: History,
    state: State,
    viewers: int,
    about: Mapping[str, object] = MappingProxyType({}),
) -> bytes:
    """The text to answer a scrape with, the process's own standard figures included.

    ``about`` is what stays the same of the run: its name, model and bundle.
    """
    return _exposition(_Snapshot(pipeline, history, viewers, about), state)


def exposition_of_several(runs: Mapping[str, Run], state: State) -> bytes:
    """The same of several cameras, by name, which is the label ``camera`` of all that is theirs."""
    return _exposition(_Several(runs), state)


def _exposition(snapshot: Collector, state: State) -> bytes:
    registry = CollectorRegistry()
    registry.register(snapshot)
    registry.register(_Machine(state))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Several(Collector):
    """One look at several cameras."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for name, run in self._runs.items():
            viewers = len(run.audience.viewers)
            for metric in _Snapshot(run.pipeline, run.history, viewers, run.about).collect():
                family = families.setdefault(metric.name, metric)
                labelled = [
                    sample._replace(labels={"camera": name, **sample.labels})
                    for sample in metric.samples
                ]
                family.samples = labelled if family is metric else [*family.samples, *labelled]
        yield from families.values()
