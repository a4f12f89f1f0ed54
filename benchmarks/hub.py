"""What a hub of many Pis costs: memory and processor time, unwatched and with a page open.

    python benchmarks/hub.py [--pis N] [--seconds S]

The Pis are simulated, on loopback: they tell what a run tells at /metrics, with drawn values, a
last visit, and a picture of 1280x720 each. One in ten hangs, one is off, one floods. The
hub is the real command, in a process of its own; its page's part is played by a program that asks
for the tiles as often as the page does, and for every picture that is new.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np

from tests.helpers.simulated_pis import SimulatedPi, metrics, serving_pis

ROOT = Path(__file__).parents[1]
ASK_S = 2.5  # as the page does
CLOCK_TICKS = 100  # a second, of /proc


async def hangs(_: SimulatedPi, __: str, ___: asyncio.StreamWriter) -> None:
    """Take the question, and never answer."""
    await asyncio.Event().wait()


async def floods(_: SimulatedPi, __: str, writer: asyncio.StreamWriter) -> None:
    """Answer without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        await writer.drain()


def make_pis(count: int) -> list[SimulatedPi]:
    """Pis with drawn values, of which one in ten hangs and one floods."""
    draw = random.Random(0)
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    picture = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC)
    jpeg = bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
    pis = []
    for number in range(count):
        pi = SimulatedPi(
            metrics(f"pi-{number}", fps=draw.uniform(5, 30), temperature=draw.uniform(40, 85)),
            jpeg,
            visit={"label": "person", "began_s": time.time() - draw.uniform(0, 1e5)},
        )
        pi.behaves = {7: hangs, 8: floods}.get(number % 10)
        pis.append(pi)
    return pis


def usage_of(pid: int) -> tuple[float, float, float]:
    """Seconds of processor time, resident MB, and the most that was resident."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = {key: int(status.partition(f"{key}:")[2].split()[0]) for key in ("VmRSS", "VmHWM")}
    ticks = int(fields[11]) + int(fields[12])
    return ticks / CLOCK_TICKS, kilobytes["VmRSS"] / 1024, kilobytes["VmHWM"] / 1024


class Page:
    """Asks as the page does."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._seen: dict[int, int] = {}
        self.tiles: list[dict[str, object]] = []

    def look(self) -> None:
        """The tiles, and every picture that is new."""
        self.tiles = json.loads(self._get("api/tiles"))["tiles"]
        for tile in self.tiles:
            number, picture = int(str(tile["number"])), int(str(tile["picture"]))
            if picture and self._seen.get(number) != picture:
                self._get(f"pictures/{number}.jpg")
                self._seen[number] = picture

    def _get(self, path: str) -> bytes:
        line = http.client.HTTPConnection(self._address, timeout=60)
        with contextlib.closing(line):
            line.request("GET", f"/{path}")
            return line.getresponse().read()


@contextlib.contextmanager
def hub(hosts: Path) -> Iterator[tuple[int, str]]:
    """The command; its process and address."""
    command = [sys.executable, "-m", "device", "hub", "--hosts", hosts, "--serve", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        try:
            yield child.pid, child.stderr.readline().split("http://")[1].split("/")[0]
        finally:
            child.terminate()


def measure(name: str, pid: int, seconds: float, page: Page | None) -> None:
    """One line of the table."""
    cpu_s, _, _ = usage_of(pid)
    began_s = time.perf_counter()
    while (passed_s := time.perf_counter() - began_s) < seconds:
        if page is not None:
            page.look()
        time.sleep(ASK_S)
    later_s, resident, most = usage_of(pid)
    share = (later_s - cpu_s) / passed_s
    print(f"{name:<16}{resident:7.1f} MB{most:9.1f} MB{share:10.1%}", flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--pis", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--seconds", type=float, default=40, metavar="S", help="of each line")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving_pis(make_pis(args.pis)) as pis:
        off = [f"127.0.0.1 page=127.0.0.1:{number}" for number in range(1, 1 + args.pis // 10)]
        hosts = Path(folder) / "pis.txt"
        hosts.write_text("\n".join([*(pi.line for pi in pis[: -len(off) or None]), *off]))
        with hub(hosts) as (pid, address):
            print(f"{'':<16}{'resident':>10}{'at most':>12}{'of a core':>10}")
            measure("nobody looks", pid, args.seconds, None)
            page = Page(address)
            measure("a page is open", pid, args.seconds, page)
        counts: dict[str, int] = {}
        for tile in page.tiles:
            counts[str(tile["health"])] = counts.get(str(tile["health"]), 0) + 1
        print(f"{len(page.tiles)} Pis: {counts}")


if __name__ == "__main__":
    main()
