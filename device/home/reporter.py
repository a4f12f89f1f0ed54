"""The reporter: a thread that tells a broker what is new, and does what is asked for by it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import cv2
import msgspec
import numpy as np

from device.drawing.annotate import draw
from device.errors import LiteberryError
from device.home.broker import BrokerOptions
from device.home.connection import BrokerConnection
from device.home.controls import MOST_BYTES, read_change
from device.home.discovery import ONLINE, DeviceDescription, discovery_document, without
from device.home.notices import Notices
from device.home.observations import Observations, Sighting, TimedEvent
from device.home.outbox import Outbox
from device.home.report import (
    class_states,
    machine_states,
    on_off,
    scene_states,
    setting_states,
)
from device.home.topics import Topics, name_topic
from device.images import encode_jpeg
from device.outputs.serialization import describe_visit, iso_time
from device.pipeline.live_settings import Controls
from device.system.board import State, read_state

TICK_S = 1.0
MACHINE_EVERY_S = 10.0  # temperature, throttling, rate: a process is started to ask for them
PICTURE_WIDTH = 640  # pixels: a card on a phone, and the broker keeps one per class
MAX_COMMANDS = 16
MAX_NOTICES = 16  # of what strangers ask for amiss, in all of a run
CONTROLS = ("threshold", "variant", "paused")
HOME_IS_BACK = b"online"


class Reporter:
    """Reports :class:`Observations` to a broker until it is told to end."""

    def __init__(
        self,
        options: BrokerOptions,
        observations: Observations,
        about: DeviceDescription,
        controls: Controls,
        say: Callable[[str], None],
        read_machine: Callable[[], State] = read_state,
    ) -> None:
        """Raises ``UsageError`` for a password or certificates that cannot be read."""
        self._options = options
        self._seen = observations
        self._about = about
        self._controls = controls
        self._read_machine = read_machine
        self._machine_due_s = 0.0
        self._topics = topics = Topics(options.device_id, options.prefix)
        self._name_topic = name_topic(options.name)
        self._command_topics = {topics.command(name): name for name in CONTROLS}
        self._outbox = Outbox()
        self._commands: deque[tuple[str, bytes]] = deque(maxlen=MAX_COMMANDS)
        self._is_new = False  # the broker, or Home Assistant, may know nothing
        self._notices = Notices(say, MAX_NOTICES)
        self._run = secrets.token_hex(8).encode()  # which run of this id it is
        self._was_known = False  # the broker told this run of itself
        self._earlier: bytes | None = None  # the document that the broker kept of an earlier run
        self._ended = threading.Event()
        self._connection = BrokerConnection(
            options,
            topics.availability,
            [
                *self._command_topics,
                topics.home_status,
                topics.discovery,
                topics.run,
                self._name_topic,
            ],
            self._greet,
            self._hear,
            say,
        )

    def run(self) -> None:
        """Report until :meth:`end`."""
        self._connection.start()
        while not self._ended.is_set():
            self._seen.wait(TICK_S)
            self._obey()
            self.collect()
            self.send()
        self.send()
        self._connection.close()

    def end(self) -> None:
        """Let :meth:`run` return; does not wait for that."""
        self._ended.set()
        self._seen.wake()

    def collect(self) -> None:
        """Put what is new into the outbox."""
        now_s = time.monotonic()
        seen, topics, outbox = self._seen, self._topics, self._outbox
        outbox.put_states(class_states(Counter(seen.labels), self._about.classes, topics))
        if seen.scene is not None:
            outbox.put_states(scene_states(seen.scene, self._about.rules, topics))
        outbox.put_states(setting_states(self._controls.settings, topics))
        outbox.put_states({topics.state("camera"): on_off(seen.flow.ailment() is None)})
        if now_s >= self._machine_due_s:
            self._machine_due_s = now_s + MACHINE_EVERY_S
            outbox.put_states(machine_states(seen.fps, self._read_machine(), topics))
        while seen.events:
            outbox.put_event(_describe(seen.events.popleft()))
        while seen.sightings:
            sighting = seen.sightings.popleft()
            outbox.put_states({topics.of_class(sighting.label, "picture"): picture_of(sighting)})

    def send(self) -> None:
        """Send what the broker takes now."""
        connection, topics, outbox = self._connection, self._topics, self._outbox
        if self._earlier is not None and not self._is_new and connection.takes_more:
            self._remove_entities(self._earlier)
            self._earlier = None
        if self._is_new and connection.takes_more:
            self._is_new = False
            outbox.forget(topics.availability)  # it comes after the states that it makes valid
            outbox.resend()
            self._introduce(discovery_document(self._about, topics))
            connection.publish(topics.run, self._run, retain=True)
            connection.publish(self._name_topic, self._about.device_id.encode(), retain=True)
            outbox.put_states({topics.availability: ONLINE.encode()})
        while connection.takes_more and (state := outbox.take_state()):
            connection.publish(*state, retain=True)
        while connection.takes_more and (event := outbox.take_event()):
            connection.publish(topics.events, event, retain=False, qos=1)

    def _introduce(self, document: dict[str, object]) -> None:
        data = msgspec.json.encode(document)
        self._connection.publish(self._topics.discovery, data, retain=True, qos=1)

    def _remove_entities(self, earlier: bytes) -> None:
        """Let go of those that an earlier run had and this one has not, such as of a class."""
        document = discovery_document(self._about, self._topics)
        removal = without(document, earlier)
        if removal is not None:
            self._introduce(removal)
            self._introduce(document)

    def _greet(self) -> None:
        """In paho's thread: the broker is there, and may know nothing of this device."""
        self._is_new = True
        self._seen.wake()

    def _hear(self, topic: str, payload: bytes, was_retained: bool) -> None:
        """In paho's thread: somebody asks for something, or tells of themselves."""
        if topic == self._topics.home_status:
            if payload == HOME_IS_BACK and not was_retained:
                self._greet()
        elif topic == self._topics.discovery:
            if was_retained:
                self._earlier = payload
                self._seen.wake()
        elif topic == self._topics.run:
            # What comes before this run's own is of an earlier one, which may have ended. A broker
            # keeps the order, but what it had may come when this run's own is already on its way.
            if payload == self._run:
                self._was_known = True
            elif self._was_known:
                self._connection.avoid_rival()
        elif topic == self._name_topic:
            self._compare_name(payload)
        elif not was_retained:  # what somebody wanted once upon a time is no wish of now
            wish = payload[: MOST_BYTES + 1]  # longer than any that is taken
            self._commands.append((self._command_topics.get(topic, ""), wish))
            self._seen.wake()

    def _compare_name(self, other_id: bytes) -> None:
        if other_id and other_id != self._about.device_id.encode():
            self._notices.tell(
                f"another device on {self._options.address} is called {self._options.name!r} too; "
                "give one of them another name with --mqtt-name"
            )

    def _obey(self) -> None:
        while self._commands:
            name, payload = self._commands.popleft()
            try:
                if self._controls.apply(read_change(name, payload)):
                    self._controls.switch()
            except LiteberryError as exc:
                self._notices.tell(f"a change by MQTT is not made: {exc}")
            # What was not taken has to be taken back where it was asked for.
            self._outbox.forget(self._topics.state(name))


def _describe(happened: TimedEvent) -> bytes:
    """The JSON of an event, as Home Assistant and others read it."""
    event = happened.event
    record: dict[str, object] = {"event_type": event.kind, "time": iso_time(happened.time_s)}
    if event.visit is not None:
        record["visit"] = describe_visit(event.visit)
    if event.place:
        record["place"] = event.place
    if event.dwell_s is not None:
        record["dwell_s"] = round(event.dwell_s, 1)
    return msgspec.json.encode(record)


def picture_of(sighting: Sighting) -> bytes:
    """The JPEG of a sighting, with the boxes of its class, no wider than a phone shows it."""
    image = sighting.pixels.copy()  # drawn on here, in a thread that may take its time
    draw(image, sighting.detections, "")
    height, width = image.shape[:2]
    if width <= PICTURE_WIDTH:
        return encode_jpeg(image)
    size = (PICTURE_WIDTH, max(1, round(height * PICTURE_WIDTH / width)))
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return encode_jpeg(smaller.astype(np.uint8, copy=False))
