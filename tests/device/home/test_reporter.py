from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from device.home.broker import BrokerOptions
from device.home.discovery import DeviceDescription
from device.home.observations import Observations, Sighting
from device.home.reporter import PICTURE_WIDTH, Reporter, picture_of
from device.pipeline.live_settings import Controls
from device.records import Detection, SceneEvent, SceneState, Visit
from device.system.board import State
from tests.device.conftest import make_outcome
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.mqtt import HOST, listening, needs_mosquitto, running_broker

BASE = "liteberry/abc"
CAT = Detection(16, "cat", 0.9, 0, 0, 10, 10)
COOL = State(None, None, None, 41.0, 0, None)


class Told(list):
    def wait_for(self, words: str) -> str:
        return wait_until(lambda: next((line for line in list(self) if words in line), None), words)


class Rig:
    """A reporter at work, what it is told, and what it says."""

    def __init__(
        self, port: int, device_id: str = "abc", name: str = "garden", *, start: bool = True
    ) -> None:
        options = BrokerOptions(
            host=HOST, port=port, device_id=device_id, name=name, classes=["cat"]
        )
        self.seen = Observations(["cat"])
        engine = SimpleNamespace(threshold=0.5, variant="int8")
        self.pipeline = SimpleNamespace(engine=engine, paused=False)
        self.said = Told()
        about = DeviceDescription(
            device_id=device_id, name=name, board="Pi", model="net", classes=["cat"],
            variants=["int8", "float32"], has_events=True,
        )  # fmt: skip
        self.reporter = Reporter(
            options,
            self.seen,
            about,
            Controls(self.pipeline, ["int8", "float32"], lambda _: engine),
            self.said.append,
            lambda: COOL,
        )
        self._thread = threading.Thread(target=self.reporter.run)
        if start:
            self._thread.start()

    def close(self) -> None:
        self.reporter.end()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def reporting(*arguments: object):
    rig = Rig(*arguments)
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def broker(tmp_path):
    with running_broker(tmp_path) as broker:
        yield broker


@needs_mosquitto
def test_device_introduces_itself_with_states_before_it_is_online(broker):
    with listening(broker) as listener:
        with reporting(broker.port):
            listener.expect(f"{BASE}/availability", b"online")
            topics = [topic for topic, _, _ in listener.all]
        listener.expect(f"{BASE}/availability", b"offline")
    assert topics[0] == "homeassistant/device/liteberry_abc/config"
    assert topics.index(f"{BASE}/threshold") < topics.index(f"{BASE}/availability")
    assert listener.newest[f"{BASE}/class/cat/occupancy"] == b"OFF"
    assert listener.newest[f"{BASE}/temperature"] == b"41"
    assert json.loads(listener.newest[topics[0]])["device"]["name"] == "garden"


@needs_mosquitto
def test_what_is_seen_is_retained_for_who_comes_later(broker):
    with reporting(broker.port) as rig:
        rig.seen.add(make_outcome(0, detections=(CAT,)))
        with listening(broker) as listener:
            listener.expect(f"{BASE}/class/cat/count", b"1")
            listener.expect(f"{BASE}/class/cat/occupancy", b"ON")
            wait_until(lambda: f"{BASE}/class/cat/picture" in listener.newest)
        jpeg = np.frombuffer(listener.newest[f"{BASE}/class/cat/picture"], np.uint8)
        assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (48, 64, 3)


@needs_mosquitto
def test_event_is_told_as_json_and_not_kept(broker):
    visit = Visit(
        visit_id=7, class_id=16, label="cat", began_s=0, seen_s=2.5, score=0.9, box=(0, 0, 10, 10)
    )
    scene = SceneState(time_s=1.5, events=(SceneEvent("visit-ended", visit),))
    with listening(broker) as listener, reporting(broker.port) as rig:
        outcome = make_outcome(0)
        rig.seen.add(replace(outcome, result=replace(outcome.result, scene=scene)))
        wait_until(lambda: f"{BASE}/events" in listener.newest)
        event = json.loads(listener.newest[f"{BASE}/events"])
    assert event["event_type"] == "visit-ended"
    assert event["time"] == "1970-01-01T00:00:01.500Z"
    assert (event["visit"]["visit_id"], event["visit"]["duration_s"]) == (7, 2.5)
    with listening(broker) as later:
        later.expect(f"{BASE}/availability", b"offline")
        assert f"{BASE}/events" not in later.newest


@needs_mosquitto
def test_controls_act_and_their_new_state_is_told(broker):
    with listening(broker) as listener, reporting(broker.port) as rig:
        listener.expect(f"{BASE}/availability", b"online")
        listener.send(f"{BASE}/threshold/set", "0.25")
        listener.expect(f"{BASE}/threshold", b"0.25")
        assert rig.pipeline.engine.threshold == 0.25
        listener.send(f"{BASE}/paused/set", "ON")
        listener.expect(f"{BASE}/paused", b"ON")
        assert rig.pipeline.paused


@needs_mosquitto
def test_change_that_cannot_be_made_is_told_and_the_state_given_back(broker):
    with listening(broker) as listener, reporting(broker.port) as rig:
        listener.expect(f"{BASE}/availability", b"online")
        before = len([topic for topic, _, _ in listener.all if topic == f"{BASE}/threshold"])
        listener.send(f"{BASE}/threshold/set", "7")
        rig.said.wait_for("a change by MQTT is not made: threshold '7': a number above 0")
        wait_until(
            lambda: len([t for t, _, _ in list(listener.all) if t == f"{BASE}/threshold"]) > before
        )
        listener.send(f"{BASE}/variant/set", "int4")
        rig.said.wait_for("no variant 'int4'")
    assert listener.newest[f"{BASE}/threshold"] == b"0.5"


@needs_mosquitto
def test_message_of_megabytes_is_not_even_sent_to_it(broker):
    with listening(broker) as listener, reporting(broker.port) as rig:
        listener.expect(f"{BASE}/availability", b"online")
        listener.send(f"{BASE}/threshold/set", "9" * 2_000_000)
        listener.send(f"{BASE}/threshold/set", "0.25")
        listener.expect(f"{BASE}/threshold", b"0.25")
    assert not [line for line in rig.said if "is not made" in line]


@needs_mosquitto
def test_wish_of_long_ago_is_none_of_now(broker):
    with listening(broker) as listener:
        listener.send(f"{BASE}/threshold/set", "0.9", retain=True)
        with reporting(broker.port) as rig:
            listener.expect(f"{BASE}/availability", b"online")
            listener.send(f"{BASE}/paused/set", "ON")
            listener.expect(f"{BASE}/paused", b"ON")
            assert rig.pipeline.engine.threshold == 0.5


@needs_mosquitto
def test_broker_that_lost_everything_is_told_everything_again(broker):
    with reporting(broker.port) as rig:
        rig.seen.add(make_outcome(0, detections=(CAT,)))
        with listening(broker) as listener:
            listener.expect(f"{BASE}/class/cat/occupancy", b"ON")
        broker.stop()
        rig.said.wait_for("tries again")
        rig.seen.add(make_outcome(1))
        broker.start()
        with listening(broker) as listener:
            listener.expect(f"{BASE}/availability", b"online")
            listener.expect(f"{BASE}/class/cat/occupancy", b"OFF")
            # In any order, where the listener came after them.
            listener.expect(f"{BASE}/threshold", b"0.5")  # which did not change meanwhile
            wait_until(lambda: "homeassistant/device/liteberry_abc/config" in listener.newest)


@needs_mosquitto
def test_home_assistant_that_restarts_is_told_everything_again(broker):
    with listening(broker) as listener, reporting(broker.port):
        listener.expect(f"{BASE}/availability", b"online")
        count = len(listener.all)
        listener.send("homeassistant/status", "online")
        wait_until(
            lambda: [t for t, _, _ in list(listener.all)[count:] if t.endswith("/availability")]
        )
        again = [topic for topic, _, _ in listener.all[count:]]
    assert "homeassistant/device/liteberry_abc/config" in again
    assert f"{BASE}/fps" in again


@needs_mosquitto
def test_entity_that_an_earlier_run_had_is_removed(broker):
    topic = "homeassistant/device/liteberry_abc/config"
    earlier = {"components": {"class_dog_count": {"platform": "sensor", "name": "dog count"}}}
    with listening(broker) as listener:
        listener.send(topic, json.dumps(earlier), retain=True)
        with reporting(broker.port):
            removed = {"platform": "sensor"}
            wait_until(
                lambda: [
                    data
                    for name, data, _ in list(listener.all)
                    if name == topic
                    and json.loads(data)["components"].get("class_dog_count") == removed
                ]
            )
            wait_until(lambda: b"class_dog_count" not in listener.newest[topic])


@needs_mosquitto
def test_second_device_of_a_name_is_told_and_both_report(broker):
    with listening(broker) as listener, reporting(broker.port) as one:
        listener.expect(f"{BASE}/availability", b"online")
        with reporting(broker.port, "def") as other:
            listener.expect("liteberry/def/availability", b"online")
            assert "--mqtt-name" in one.said.wait_for("is called 'garden' too")
            assert "--mqtt-name" in other.said.wait_for("is called 'garden' too")


@needs_mosquitto
def test_second_run_of_an_id_is_told_with_the_way_out(broker):
    with reporting(broker.port) as one:
        one.said.wait_for("connected")
        with listening(broker) as listener:
            listener.expect(f"{BASE}/availability", b"online")
            with reporting(broker.port) as other:
                wait_until(
                    lambda: [line for line in [*one.said, *other.said] if "--mqtt-id" in line]
                )


def test_run_before_this_one_is_no_second_of_the_id_however_late_it_is_heard_of():
    """What the broker kept of it may come when this run's own word is already on its way there."""
    rivals = []
    reporter = Rig(1, start=False).reporter
    reporter._connection = SimpleNamespace(
        takes_more=True, publish=lambda *_, **__: None, avoid_rival=lambda: rivals.append(1)
    )
    reporter._greet()
    reporter.send()
    topic = f"{BASE}/run"
    reporter._hear(topic, b"of an earlier run", True)
    assert not rivals
    reporter._hear(topic, reporter._run, False)
    assert not rivals
    reporter._hear(topic, b"of another", False)
    assert rivals


def test_picture_is_drawn_beside_the_frame():
    pixels = np.full((48, 64, 3), 128, np.uint8)
    jpeg = picture_of(Sighting("cat", pixels, (CAT,)))
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).std() > 1, "with a box"
    assert (pixels == 128).all()


def test_picture_is_no_wider_than_a_phone_shows_it():
    sighting = Sighting("cat", np.zeros((1080, 1920, 3), np.uint8), (CAT,))
    image = cv2.imdecode(np.frombuffer(picture_of(sighting), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (360, PICTURE_WIDTH, 3)
