from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from device.bundle.bundle import Bundle
from device.cameras.base import CameraLoss
from device.cameras.iterable import IterableCamera
from device.images import read_image
from device.inference.engine import Engine
from device.outputs.base import Sink
from device.pipeline.history import History
from device.pipeline.pipeline import Pipeline
from device.records import LineState, SceneState, ZoneState
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


def test_run_says_its_name_model_and_bundle_where_it_has_them(ran):
    known = {"name": "Back garden", "version": "0.1", "model": "mine", "bundle": "0123456789ab"}
    for about in (known, known | {"name": ""}, {}):
        text = exposition(*ran, state(), 0, {**about, "source": "rtsp://user:secret@camera/"})
        families = text_string_to_metric_families(text.decode())
        (info,) = (family.samples[0] for family in families if family.name == "liteberry_info")
        told = {key: value for key, value in about.items() if value}
        assert info.labels == {"variant": "int8", "task": "detection", **told}


@pytest.mark.parametrize(("bits", "weak"), [(0x0, 0), (0x50000, 0), (0x1, 1), (0x8, 0)])
def test_weak_power_supply_is_told_apart_from_heat(ran, bits, weak):
    assert scrape(ran, state(61.5, bits))["liteberry_under_voltage",] == weak


def test_lost_camera_is_told(ran, monkeypatch):
    assert scrape(ran, state())["liteberry_camera_lost",] == 0
    monkeypatch.setattr(type(ran[0]), "loss", CameraLoss("it was unplugged", "plug it in", 0.0))
    assert scrape(ran, state())["liteberry_camera_lost",] == 1


def test_run_that_follows_objects_tells_of_zones_lines_and_rules(ran):
    history = History()
    history.scene = SceneState(
        time_s=0.0,
        zones=(
            ZoneState(name='till "1"', inside=4, entered=9, left=5, dwell_s=30.0, wait_s=95.5),
            ZoneState(name="door", inside=0, entered=0, left=0, dwell_s=None, wait_s=None),
        ),
        lines=(LineState(name="path", ins=5, outs=2),),
        rules=("till 1 is full",),
    )
    figures = scrape((ran[0], history), state())
    assert figures["liteberry_visits",] == 0
    assert figures["liteberry_zone_inside", 'till "1"'] == 4
    assert figures["liteberry_zone_entries_total", 'till "1"'] == 9
    assert figures["liteberry_zone_inside", "door"] == 0
    assert figures["liteberry_queue_wait_seconds", 'till "1"'] == 95.5
    assert ("liteberry_queue_wait_seconds", "door") not in figures
    assert figures["liteberry_line_crossings_total", "in", "path"] == 5
    assert figures["liteberry_line_crossings_total", "out", "path"] == 2
    assert figures["liteberry_rule_active", "till 1 is full"] == 1


def test_run_that_follows_nothing_tells_of_no_zones(ran):
    assert not [name for name, *_ in scrape(ran, state()) if "zone" in name or "visits" in name]
