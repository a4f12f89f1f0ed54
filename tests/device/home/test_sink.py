from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace

import pytest

from device.cameras.iterable import IterableCamera
from device.home.broker import BrokerOptions
from device.home.discovery import DeviceDescription
from device.home.sink import HomeSink
from device.images import read_image
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from tests.helpers.children import wait_until
from tests.helpers.mqtt import HOST, SilentBroker, listening, needs_mosquitto, running_broker

ABOUT = DeviceDescription(device_id="abc", name="garden", board="Pi", model="net", classes=["cat"])


def home_sink(port: int, said: list[str]) -> HomeSink:
    options = BrokerOptions(host=HOST, port=port, device_id="abc", name="garden", classes=["cat"])
    return HomeSink(options, said.append)


@pytest.fixture(scope="module")
def cat(small_bundle):
    return read_image(small_bundle / "samples" / "cat.jpg")


@needs_mosquitto
def test_run_reports_what_it_sees(engine, cat, tmp_path):
    said: list[str] = []
    stop = threading.Event()
    with running_broker(tmp_path) as broker, listening(broker) as listener:
        with home_sink(broker.port, said) as sink:
            pipeline = Pipeline(IterableCamera(itertools.repeat(cat)), engine, [sink])
            sink.start(ABOUT, Controls(pipeline, ["int8"], lambda _: engine))

            def until_it_is_known(_: Pipeline) -> None:
                if listener.newest.get("liteberry/abc/class/cat/picture"):
                    stop.set()

            pipeline.run(None, stop, until_it_is_known)
        listener.expect("liteberry/abc/availability", b"offline")
    assert listener.newest["liteberry/abc/class/cat/occupancy"] == b"ON"
    assert listener.newest["liteberry/abc/camera"] == b"ON"


def test_broker_that_hangs_stops_no_frame(engine, cat):
    """It took the connection and reads nothing: what is sent fills the buffers and stays there."""
    silent = SilentBroker()
    with home_sink(silent.port, []) as sink:
        pipeline = Pipeline(IterableCamera(itertools.repeat(cat)), engine, [sink])
        sink.start(ABOUT, Controls(pipeline, ["int8"], lambda _: engine))
        pipeline.run(60, threading.Event())
        assert pipeline.rate.stamps == 60
    silent.close()


def test_reporter_that_hangs_for_good_stops_no_frame_and_fills_no_memory(engine, cat, noise):
    """Whatever its thread waits for, the run's does not."""
    hung = threading.Event()
    sink = home_sink(1, [])
    sink._reporter = SimpleNamespace(end=lambda: None)
    sink._thread = threading.Thread(target=hung.wait)
    sink._thread.start()
    try:
        Pipeline(IterableCamera([cat, noise] * 100), engine, [sink]).run(None, threading.Event())
        assert len(sink.observations.sightings) <= 2
    finally:
        hung.set()
        sink.close()


def test_sink_that_never_started_is_closed_at_once():
    home_sink(1, []).close()


def test_close_twice_is_as_good_as_once(engine):
    sink = home_sink(1, said := [])
    pipeline = SimpleNamespace(engine=engine, paused=False)
    sink.start(ABOUT, Controls(pipeline, ["int8"], lambda _: engine))
    wait_until(lambda: said)
    sink.close()
    sink.close()
    assert "does a broker run there" in said[0]
