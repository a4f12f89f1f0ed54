"""How soon the states at a broker are right again after it was gone, while a run goes on.

    python benchmarks/broker_returns.py BUNDLE [--returns K]

The broker, a real mosquitto, is killed; or (as root, with `ip`, in a network that only this machine
has) its machine loses its power without a word. It comes back after a while that is drawn, half a
second to 20; meanwhile what the camera sees has changed. What is timed is from the moment that it
listens to the last state that is right, as a listener of its own gets them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.broker import Mosquitto
from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.home.broker import BrokerOptions
from device.home.discovery import DeviceDescription
from device.home.sink import HomeSink
from device.images import read_image
from device.inference.engine import Engine
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.records import Pixels

CLASSES = ("person", "cat")
MOST_RETURN_S = 5.0
SHORTEST_S, LONGEST_S = 0.5, 20.0  # that it is gone
SETTLED_S = 3.0
FRAME_S = 0.1
MACHINE, SWITCH, PORT = "liteberry-far", "liteberry-net", "liteberry-port"
NEAR, FAR, FAR_MAC = "10.213.77.1", "10.213.77.2", "02:00:00:00:77:02"


class States:
    """A listener of its own, which is connected anew to each broker that has just begun."""

    def __init__(self, broker: Mosquitto) -> None:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        self.newest: dict[str, bytes] = {}
        self._client = client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.on_message = lambda _c, _d, m: self.newest.update({m.topic: m.payload})
        client.connect(broker.host, broker.port)
        client.subscribe("liteberry/bench/#", qos=1)
        client.loop_start()

    def wait(self, expected: dict[str, bytes]) -> None:
        """Until all of them are as expected."""
        topics = {f"liteberry/bench/{name}": payload for name, payload in expected.items()}
        deadline_s = time.monotonic() + 120
        while any(self.newest.get(topic) != payload for topic, payload in topics.items()):
            if time.monotonic() > deadline_s:
                sys.exit(f"broker_returns.py: not right after two minutes: {self.newest}")
            time.sleep(0.01)

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()


def ip(*words: str) -> None:
    """Run a command of iproute2, which must do what it says."""
    subprocess.run(["ip", *words], check=True)


class Killed:
    """A broker whose process is killed: the kernel ends its connections."""

    def __init__(self) -> None:
        self.broker = Mosquitto()

    def come(self) -> float:
        """Start; when it listened, by the monotonic clock."""
        return self.broker.start()

    def go(self) -> None:
        """End."""
        self.broker.kill()

    close = go


class PoweredOff:
    """A broker on a machine that loses its power: nothing is said, and all is forgotten there."""

    def __init__(self) -> None:
        self.broker = Mosquitto(FAR, ("ip", "netns", "exec", MACHINE))
        # A switch with a second cable in it, so that this end never sees the link go.
        ip("link", "add", SWITCH, "type", "bridge")
        ip("link", "add", f"{PORT}2", "type", "veth", "peer", "name", f"{PORT}3")
        ip("link", "set", f"{PORT}3", "up")
        ip("link", "set", f"{PORT}2", "master", SWITCH, "up")
        ip("addr", "add", f"{NEAR}/24", "dev", SWITCH)
        ip("link", "set", SWITCH, "up")
        self._is_on = False

    def come(self) -> float:
        """Switch on; when the broker listened, by the monotonic clock."""
        ip("netns", "add", MACHINE)
        self._is_on = True
        ip("link", "add", PORT, "type", "veth", "peer", "name", "eth0", "netns", MACHINE)
        ip("-n", MACHINE, "link", "set", "eth0", "address", FAR_MAC)
        ip("-n", MACHINE, "addr", "add", f"{FAR}/24", "dev", "eth0")
        ip("-n", MACHINE, "link", "set", "eth0", "up")
        ip("link", "set", PORT, "master", SWITCH, "up")
        return self.broker.start()

    def go(self) -> None:
        """Switch off."""
        ip("link", "set", PORT, "down")  # before the process ends: nothing of it gets out
        self.broker.kill()
        ip("link", "del", PORT)
        ip("netns", "del", MACHINE)
        self._is_on = False

    def close(self) -> None:
        """Take it all away."""
        if self._is_on:
            self.go()
        for name in (SWITCH, f"{PORT}2"):
            ip("link", "del", name)


def states_of(engine: Engine, image: Pixels) -> dict[str, bytes]:
    """What is to be told where the camera sees a picture."""
    pipeline = Pipeline(IterableCamera([image]), engine, [])
    pipeline.run(None, threading.Event())
    found = {label: b"ON" if pipeline.frames_with[label] else b"OFF" for label in CLASSES}
    occupancy = {f"class/{label}/occupancy": payload for label, payload in found.items()}
    return {"availability": b"online", "camera": b"ON", **occupancy}


class Run:
    """A run whose camera sees one picture again and again, ten times a second."""

    def __init__(self, engine: Engine, broker: Mosquitto) -> None:
        self.image: Pixels | None = None
        self._stop = threading.Event()
        options = BrokerOptions(
            host=broker.host, port=broker.port, device_id="bench", name="bench", classes=CLASSES
        )
        self._sink = HomeSink(options, lambda _: None)
        pipeline = Pipeline(IterableCamera(self._frames()), engine, [self._sink])
        about = DeviceDescription(
            device_id="bench", name="bench", board="-", model="-", classes=CLASSES
        )
        self._sink.start(about, Controls(pipeline, ["int8"], lambda _: engine))
        self._thread = threading.Thread(target=pipeline.run, args=(None, self._stop))
        self._thread.start()

    def _frames(self) -> Iterator[Pixels]:
        while not self._stop.wait(FRAME_S):
            if self.image is not None:
                yield self.image

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()
        self._sink.close()


def measure(engine: Engine, images: list[Pixels], way: Killed | PoweredOff, returns: int) -> None:
    """One line of the table."""
    draw, found = random.Random(0), []
    expected = [states_of(engine, image) for image in images]
    way.come()
    with contextlib.closing(Run(engine, way.broker)) as run:
        for number in range(returns):
            now, then = number % 2, (number + 1) % 2
            run.image = images[now]
            with contextlib.closing(States(way.broker)) as states:
                states.wait(expected[now])
            time.sleep(draw.uniform(0, SETTLED_S))
            way.go()
            run.image = images[then]  # what the broker may have kept is wrong now
            time.sleep(draw.uniform(SHORTEST_S, LONGEST_S))
            began_s = way.come()
            with contextlib.closing(States(way.broker)) as states:
                states.wait(expected[then])
            found.append(time.monotonic() - began_s)
    found.sort()
    print(
        f"{type(way).__name__:<12}{len(found):>8}{statistics.median(found):>8.1f} s"
        f"{found[-1]:>7.1f} s{sum(taken_s > MOST_RETURN_S for taken_s in found):>10}",
        flush=True,
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--returns", type=int, default=20, help="of each kind (default: 20)")
    args = parser.parse_args()
    bundle = Bundle(args.bundle)
    pictures = {sample.file: bundle.file(sample.file) for sample in bundle.manifest.samples}
    with Engine(bundle, "int8", threads=1) as engine:
        images = {}  # one of each that differs in what is told of it
        for path in pictures.values():
            image = read_image(path)
            images.setdefault(tuple(states_of(engine, image).items()), image)
        two = list(images.values())[:2]
        ways = [Killed]
        if os.geteuid() == 0 and shutil.which("ip"):
            ways.append(PoweredOff)
        print(f"{'broker':<12}{'returns':>8}{'median':>10}{'most':>9}{'over 5 s':>10}")
        for way in ways:
            with contextlib.closing(way()) as broker:
                measure(engine, two, broker, args.returns)


if __name__ == "__main__":
    main()
