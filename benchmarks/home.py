"""What reporting to a home costs a frame, with the broker there, gone, full and slow.

    python benchmarks/home.py BUNDLE [--frames N] [--rounds R]

The same frames go through the same loop, a round of each broker in turn: there, gone, full
(it lets in and reads nothing), slow (it reads a few bytes at a time), and without a sink. Somebody
comes or goes on every second frame. Of each frame two times are taken in the run's own thread:
what passed in the sink, and the processor time of that, which no other work on this machine
lengthens. Both are shares of what a frame takes; `over 1 %` counts the frames that were slower by
more than that, by processor time and by the clock.
A broker is real where it answers: mosquitto.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.broker import HOST, Mosquitto
from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.home.broker import BrokerOptions
from device.home.discovery import DeviceDescription
from device.home.sink import HomeSink
from device.images import read_image
from device.inference.engine import Engine
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.records import Outcome

CONNACK = bytes([0x20, 3, 0, 0, 0])
CLASSES = ("person", "cat")
MOST_SHARE = 0.01


class TimedSink(HomeSink):
    """The sink, with what each frame spent in it."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            BrokerOptions(host=host, port=port, device_id="bench", name="bench", classes=CLASSES),
            lambda _: None,
        )
        self.passed_s: list[float] = []
        self.worked_s: list[float] = []

    def write(self, outcome: Outcome) -> None:
        """Take the time of it."""
        began_s, worked_s = time.perf_counter(), time.thread_time()
        super().write(outcome)
        self.worked_s.append(time.thread_time() - worked_s)
        self.passed_s.append(time.perf_counter() - began_s)


@contextlib.contextmanager
def no_broker() -> Iterator[int]:
    """A port that nobody listens on, all the time."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def bad_broker(pause_s: float | None) -> Iterator[int]:
    """One that lets in, and then reads 64 bytes after each pause; None: nothing at all."""
    server, ended = socket.create_server((HOST, 0)), threading.Event()
    server.settimeout(0.1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def hold(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(4096)
            client.sendall(CONNACK)
            while not ended.wait(60 if pause_s is None else pause_s):
                if pause_s is not None and not client.recv(64):
                    return

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                client = server.accept()[0]
                threading.Thread(target=hold, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    ended.set()
    thread.join()
    server.close()


@contextlib.contextmanager
def mosquitto() -> Iterator[int]:
    """One that stays."""
    broker = Mosquitto()
    broker.start()
    yield broker.port
    broker.kill()


@contextlib.contextmanager
def reporting(sink: HomeSink, pipeline: Pipeline, engine: Engine) -> Iterator[None]:
    """The sink, connected to its broker if that lets it."""
    about = DeviceDescription(
        device_id="bench", name="bench", board="-", model="-", classes=CLASSES
    )
    with sink:
        sink.start(about, Controls(pipeline, ["int8"], lambda _: engine))
        yield


@dataclass
class Cost:
    """What a round cost: seconds for a frame, and in the sink for each."""

    frame_s: float
    worked_s: list[float] = field(default_factory=list)
    passed_s: list[float] = field(default_factory=list)


def coming_and_going(images: list) -> Iterator:
    """Two of one picture, then two of another: somebody comes and goes all the time."""
    return itertools.chain.from_iterable((image, image) for image in itertools.cycle(images))


def measure(engine: Engine, images: list, frames: int, port: int | None) -> Cost:
    """One round; without a port there is no sink."""
    camera = IterableCamera(itertools.islice(coming_and_going(images), frames))
    sink = None if port is None else TimedSink(HOST, port)
    pipeline = Pipeline(camera, engine, [] if sink is None else [sink])
    with contextlib.ExitStack() as stack:
        if sink is not None:
            stack.enter_context(reporting(sink, pipeline, engine))
        pipeline.run(None, threading.Event())
    frame_s = 1 / pipeline.rate.fps
    return Cost(frame_s) if sink is None else Cost(frame_s, sink.worked_s, sink.passed_s)


def print_costs(bundle: Bundle, images: list, frames: int, rounds: int) -> None:
    """The first table."""
    brokers = {
        "without": lambda: contextlib.nullcontext(None),
        "there": mosquitto,
        "gone": no_broker,
        "full": lambda: bad_broker(None),
        "slow": lambda: bad_broker(0.05),
    }
    found: dict[str, list[Cost]] = {name: [] for name in brokers}
    with Engine(bundle, "int8", threads=1) as engine:
        for _ in range(rounds):
            for name, broker in brokers.items():
                with broker() as port:
                    found[name].append(measure(engine, images, frames, port))
    print(
        f"{'broker':<9}{'a frame':>10}{'of without':>12}{'in sink':>10}{'work':>9}{'median':>9}"
        f"{'most':>8}{'over 1 %':>16}"
    )
    for name, costs in found.items():
        frame_s = statistics.median(cost.frame_s for cost in costs)
        pairs = zip(costs, found["without"], strict=True)
        ratio = statistics.median(cost.frame_s / other.frame_s for cost, other in pairs)
        line = f"{name:<9}{frame_s * 1e3:>7.2f} ms{ratio:>12.3f}"
        if name != "without":
            worked = [(spent, cost.frame_s) for cost in costs for spent in cost.worked_s]
            passed = [(spent, cost.frame_s) for cost in costs for spent in cost.passed_s]
            shares = [spent / frame for spent, frame in worked]
            over = [sum(s > MOST_SHARE * f for s, f in times) for times in (worked, passed)]
            line += (
                f"{statistics.median(s for s, _ in passed) * 1e6:>7.0f} us"
                f"{statistics.median(s for s, _ in worked) * 1e6:>6.0f} us"
                f"{statistics.median(shares):>9.2%}{max(shares):>8.2%}"
                f"{f'{over[0]}, {over[1]} of {len(worked)}':>16}"
            )
        print(line, flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--frames", type=int, default=200, help="of a round (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    args = parser.parse_args()
    bundle = Bundle(args.bundle)
    images = [read_image(bundle.file(sample.file)) for sample in bundle.manifest.samples]
    print_costs(bundle, images, args.frames, args.rounds)


if __name__ == "__main__":
    main()
