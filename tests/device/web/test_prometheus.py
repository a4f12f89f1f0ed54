from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.images import read_image
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.history import History
from device.pipeline.pipeline import Pipeline
from device.system.board import State
from device.web.prometheus import exposition


class Noting(Sink):
    def __init__(self) -> None:
        self.history = History()

    def write(self, outcome) -> None:
        self.history.add(outcome)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def ran(small_bundle):
    """Three frames, two of a cat."""
    cat, cup = (read_image(small_bundle / "samples" / f"{name}.jpg") for name in ("cat", "cup"))
    sink = Noting()
    pipeline = Pipeline(IterableCamera([cat, cup, cat]), Engine(Bundle(small_bundle)), [sink])
    pipeline.run(None, threading.Event())
    return pipeline, sink.history


def state(temperature_c=None, throttled=None) -> State:
    return State(None, None, None, temperature_c, throttled, None)


def scrape(ran, state) -> dict[tuple, float]:
    text = exposition(*ran, state, 2).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_are_those_of_the_run(ran):
    figures = scrape(ran, state())
    history = ran[1]
    assert figures["liteberry_up",] == 1
    assert figures["liteberry_frames_total",] == 3
    assert figures["liteberry_frames_dropped_total",] == 0
    assert figures["liteberry_frames_with_total", "cat"] == 2
    assert figures["liteberry_frames_with_total", "cup"] == 1
    assert figures["liteberry_stage_seconds_count", "invoke"] == 3
    invoke_s = figures["liteberry_stage_seconds_sum", "invoke"]
    assert invoke_s == pytest.approx(history.frame_ms["invoke"] / 1e3)
    assert ("liteberry_stage_seconds_sum", "age") not in figures
    age_s = figures["liteberry_frame_age_seconds_sum",]
    assert age_s == pytest.approx(history.frame_ms["age"] / 1e3)
    assert figures["liteberry_threshold",] == 0.5
    assert figures["liteberry_viewers",] == 2
    assert figures["liteberry_info", "detection", "int8"] == 1
    assert figures["process_resident_memory_bytes",] > 10e6


def test_what_the_board_cannot_tell_is_left_out(ran):
    figures = scrape(ran, state())
    assert not {name for name, *_ in figures} & {
        "liteberry_temperature_celsius", "liteberry_throttled",
    }  # fmt: skip


@pytest.mark.parametrize(("bits", "throttled"), [(0x0, 0), (0x50000, 0), (0x50005, 1), (0x8, 1)])
def test_throttling_is_that_of_the_moment(ran, bits, throttled):
    figures = scrape(ran, state(61.5, bits))
    assert figures["liteberry_temperature_celsius",] == 61.5
    assert figures["liteberry_throttled",] == throttled


def test_run_without_frames_is_not_up(ran):
    assert scrape((ran[0], History()), state())["liteberry_up",] == 0


def test_named_run_has_its_name_in_the_metrics(ran):
    for name, labels in (("Back garden", {"name": "Back garden"}), ("", {})):
        text = exposition(*ran, state(), 0, name).decode()
        families = text_string_to_metric_families(text)
        (info,) = (family.samples[0] for family in families if family.name == "liteberry_info")
        assert info.labels == {"variant": "int8", "task": "detection", **labels}
