"""What reporting to a home costs a frame: with the broker there, gone, and hanging.

    python benchmarks/home.py BUNDLE [--frames N]

The same frames go through the same loop, a round of each broker in turn, and what the run's own
thread spends in the sink is taken against what a whole frame takes: a ratio within one round, so
that a busy machine slows both. A broker is real where mosquitto is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

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

HOST = "127.0.0.1"
ROUNDS = 3
CONNACK = bytes([0x20, 3, 0, 0, 0])


class TimedSink(HomeSink):
    """The sink, with the seconds that each frame spent in it."""

    def __init__(self, port: int) -> None:
        super().__init__(
            BrokerOptions(
                host=HOST, port=port, device_id="bench", name="bench", classes=("person", "cat")
            ),
            lambda _: None,
        )
        self.spent_s: list[float] = []

    def write(self, outcome: Outcome) -> None:
        """Take the time of it."""
        began_s = time.perf_counter()
        super().write(outcome)
        self.spent_s.append(time.perf_counter() - began_s)


@contextlib.contextmanager
def no_broker() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def hanging_broker() -> Iterator[int]:
    """One that lets in, and then reads nothing."""
    server, held = socket.create_server((HOST, 0)), []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(server.accept()[0])
                held[-1].recv(4096)
                held[-1].sendall(CONNACK)

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@contextlib.contextmanager
def mosquitto() -> Iterator[int]:
    """The real one."""
    with no_broker() as port:
        pass
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(f"listener {port} {HOST}\nallow_anonymous true\nuser root\n")
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        with subprocess.Popen([str(program), "-c", config], stderr=subprocess.DEVNULL) as process:
            yield port
            process.terminate()


def measure(engine: Engine, images: list, frames: int, port: int) -> tuple[float, float, float]:
    """Median and p99 of seconds in the sink, and seconds that a frame takes."""
    sink = TimedSink(port)
    with sink:
        # Two of one picture, then two of another: somebody comes and goes all the time.
        shown = itertools.chain.from_iterable((image, image) for image in itertools.cycle(images))
        pipeline = Pipeline(IterableCamera(itertools.islice(shown, frames)), engine, [sink])
        about = DeviceDescription(device_id="bench", name="bench", board="-", model="-")
        sink.start(about, Controls(pipeline, ["int8"], lambda _: engine))
        pipeline.run(None, threading.Event())
        frame_s = 1 / pipeline.rate.fps
    spent = sorted(sink.spent_s)
    return statistics.median(spent), spent[int(0.99 * len(spent))], frame_s


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--frames", type=int, default=200)
    args = parser.parse_args()
    bundle = Bundle(args.bundle)
    images = [read_image(bundle.file(sample.file)) for sample in bundle.manifest.samples]
    brokers = {"there": mosquitto, "gone": no_broker, "hanging": hanging_broker}
    rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in brokers}
    with Engine(bundle, "int8", threads=1) as engine:
        for _ in range(ROUNDS):
            for name, broker in brokers.items():
                with broker() as port:
                    rounds[name].append(measure(engine, images, args.frames, port))
    print(f"{'broker':<10}{'median':>10}{'p99':>10}{'frame':>10}{'share':>9}")
    for name, found in rounds.items():
        median, p99, frame = (statistics.median(column) for column in zip(*found, strict=True))
        mean_share = statistics.median(m / f for m, _, f in found)
        print(
            f"{name:<10}{median * 1e6:>7.0f} us{p99 * 1e6:>7.0f} us{frame * 1e3:>7.1f} ms"
            f"{mean_share:>9.2%}"
        )


if __name__ == "__main__":
    main()
