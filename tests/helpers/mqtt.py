"""A real MQTT broker, and one who listens to it, for tests."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.children import PATIENCE_S, start, wait_until

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed")
HOST = "127.0.0.1"


def free_port() -> int:
    """A port of loopback that nobody has, and that no outgoing connection is given meanwhile."""
    while True:
        port = random.randrange(12_000, 32_000)  # below the ports that Linux gives out
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind((HOST, port))
            return port


class Broker:
    """Mosquitto on a port of its own, which it keeps when it is stopped and started again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} {HOST}", "user root", *settings]
        if not any(line.startswith("password_file") for line in settings):
            lines.append("allow_anonymous true")
        self._config.write_text("\n".join(lines) + "\n")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = start(
            [PROGRAM, "-c", self._config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "mosquitto ended"
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def stop(self) -> None:
        """Kill it: what it kept in memory is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process = None


@contextlib.contextmanager
def running_broker(folder: Path, *settings: str) -> Iterator[Broker]:
    """A broker that is stopped at the end."""
    broker = Broker(folder, *settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """A client that keeps the newest message of each topic, and all of them in order."""

    def __init__(self, broker: Broker, topics: str = "#") -> None:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        self.newest: dict[str, bytes] = {}
        self.all: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        self._client = client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.on_message = self._keep
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.connect(HOST, broker.port)
        client.subscribe(topics, qos=1)
        client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    def _keep(self, _client: object, _data: object, message: object) -> None:
        self.all.append((message.topic, message.payload, message.retain))
        self.newest[message.topic] = message.payload

    def send(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def expect(self, topic: str, payload: bytes) -> None:
        """Wait until the newest message of ``topic`` is ``payload``."""
        wait_until(lambda: self.newest.get(topic) == payload)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def listening(broker: Broker, topics: str = "#") -> Iterator[Listener]:
    """A listener that is gone at the end."""
    listener = Listener(broker, topics)
    try:
        yield listener
    finally:
        listener.close()


class SilentBroker:
    """A broker that lets everybody in and then neither reads nor answers."""

    CONNACK = bytes([0x20, 3, 0, 0, 0])

    def __init__(self) -> None:
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.recv(4096)
                client.sendall(self.CONNACK)
                self._held.append(client)

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self._thread.join(PATIENCE_S)
        for client in self._held:
            client.close()
