"""What reporting to a home costs a frame, with the broker there, gone, full and slow.

    python benchmarks/home.py BUNDLE [--variant V] [--frames N] [--rounds R]

The same frames go through the same loop, a round of each broker in turn: there, gone, full
(it lets in and reads nothing), slow (it reads a few bytes at a time). Somebody comes or goes on
every second frame. Beside them two controls, whose figures are the machine's own: `again` has no
sink, as `without`, with which all are compared; `fixed` has one that does the same on every frame.

`slower` counts the frames that took over 1 % longer than the same frame of the same round without
a sink. As the machine's own share of that is large, two times are also taken in the run's own
thread: what passed in the sink, and the processor time of that, which no other work on this
machine lengthens. `over 1 %` counts the frames of which that was more than 1 %, by processor time
and by the clock. A broker is real where it answers: mosquitto.
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
from device.outputs.base import Sink
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.records import Outcome

CONNACK = bytes([0x20, 3, 0, 0, 0])
CLASSES = ("person", "cat")
MOST_SHARE = 0.01


class FixedWork(Sink):
    """A control: about as much work as :class:`HomeSink` has, the same on every frame."""

    def write(self, outcome: Outcome) -> None:
        """Do it."""
        dict.fromkeys(range(300), outcome)

    def close(self) -> None:
        """Nothing is open."""


class TimedSink(Sink):
    """Another sink, and what each frame spent in it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.passed_s: list[float] = []
        self.worked_s: list[float] = []

    def write(self, outcome: Outcome) -> None:
        """Take the time of it."""
        began_s, worked_s = time.perf_counter(), time.thread_time()
        self._sink.write(outcome)
        self.worked_s.append(time.thread_time() - worked_s)
        self.passed_s.append(time.perf_counter() - began_s)

    def close(self) -> None:
        """Close it too."""
        self._sink.close()


def home_sink(port: int) -> HomeSink:
    """One that reports to a broker at ``port``."""
    return HomeSink(
        BrokerOptions(host=HOST, port=port, device_id="bench", name="bench", classes=CLASSES),
        lambda _: None,
    )


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


class Stamps(Sink):
    """When each frame was finished, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.at_s: list[float] = []

    def write(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.at_s.append(outcome.finished_at_s)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Cost:
    """What a round cost, in seconds: each frame, and in the sink for each."""

    frames_s: list[float]
    worked_s: list[float] = field(default_factory=list)
    passed_s: list[float] = field(default_factory=list)

    @property
    def frame_s(self) -> float:
        """That of a usual frame."""
        return statistics.median(self.frames_s)


def coming_and_going(images: list) -> Iterator:
    """Two of one picture, then two of another: somebody comes and goes all the time."""
    return itertools.chain.from_iterable((image, image) for image in itertools.cycle(images))


def measure(engine: Engine, images: list, frames: int, sink: Sink | None) -> Cost:
    """One round, without a sink or with one."""
    camera = IterableCamera(itertools.islice(coming_and_going(images), frames + 1))
    stamps, timed = Stamps(), None if sink is None else TimedSink(sink)
    pipeline = Pipeline(camera, engine, [stamps] if timed is None else [stamps, timed])
    with contextlib.ExitStack() as stack:
        if isinstance(sink, HomeSink):
            stack.enter_context(reporting(sink, pipeline, engine))
        pipeline.run(None, threading.Event())
    # The first frame has none before it: nothing of it is compared.
    frames_s = [after - before for before, after in itertools.pairwise(stamps.at_s)]
    if timed is None:
        return Cost(frames_s)
    return Cost(frames_s, timed.worked_s[1:], timed.passed_s[1:])


def run_rounds(engine: Engine, images: list, frames: int, rounds: int) -> dict[str, list[Cost]]:
    """A round of each in turn, so that what the machine does otherwise is in all of them."""
    brokers = {
        "there": mosquitto,
        "gone": no_broker,
        "full": lambda: bad_broker(None),
        "slow": lambda: bad_broker(0.05),
    }
    controls = {"without": lambda: None, "again": lambda: None, "fixed": FixedWork}
    found: dict[str, list[Cost]] = {name: [] for name in (*controls, *brokers)}
    for _ in range(rounds):
        for name, make in controls.items():
            found[name].append(measure(engine, images, frames, make()))
        for name, broker in brokers.items():
            with broker() as port:
                found[name].append(measure(engine, images, frames, home_sink(port)))
    return found


def print_costs(found: dict[str, list[Cost]]) -> None:
    """A line for each broker."""
    print(
        f"{'broker':<9}{'a frame':>10}{'of without':>12}{'slower':>15}{'in sink':>10}{'work':>9}"
        f"{'most':>9}{'over 1 %':>15}"
    )
    for name, costs in found.items():
        line = f"{name:<9}{statistics.median(cost.frame_s for cost in costs) * 1e3:>7.2f} ms"
        if name != "without":
            line += compare(costs, found["without"])
        if costs[0].worked_s:
            line += describe_sink(costs)
        print(line, flush=True)


def compare(costs: list[Cost], without: list[Cost]) -> str:
    """How the frames are beside the same frames without a sink."""
    ratios = [
        one / other
        for cost, bare in zip(costs, without, strict=True)
        for one, other in zip(cost.frames_s, bare.frames_s, strict=True)
    ]
    slower = sum(ratio > 1 + MOST_SHARE for ratio in ratios)
    return f"{statistics.median(ratios):>12.3f}{f'{slower} of {len(ratios)}':>15}"


def describe_sink(costs: list[Cost]) -> str:
    """What passes in the sink."""
    worked = [(spent, cost.frame_s) for cost in costs for spent in cost.worked_s]
    passed = [(spent, cost.frame_s) for cost in costs for spent in cost.passed_s]
    over = [sum(s > MOST_SHARE * f for s, f in times) for times in (worked, passed)]
    return (
        f"{statistics.median(s for s, _ in passed) * 1e6:>7.0f} us"
        f"{statistics.median(s for s, _ in worked) * 1e6:>6.0f} us"
        f"{max(s / f for s, f in worked):>9.2%}{f'{over[0]}, {over[1]} of {len(worked)}':>15}"
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--variant", default="int8", help="float32 for frames that take longer")
    parser.add_argument("--frames", type=int, default=200, help="of a round (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    args = parser.parse_args()
    bundle = Bundle(args.bundle)
    images = [read_image(bundle.file(sample.file)) for sample in bundle.manifest.samples]
    with Engine(bundle, args.variant, threads=1) as engine:
        print_costs(run_rounds(engine, images, args.frames, args.rounds))


if __name__ == "__main__":
    main()
