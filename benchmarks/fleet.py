"""What a thousand Pis cost one mosquitto and one Prometheus, and what breaks first.

    python benchmarks/fleet.py [--pis 100,300,1000] [--seconds S] [--files N]

The Pis are simulated on loopback, with drawn values: a real MQTT client (paho) for each, which
tells its retained states as a run does, changes one of them every second or two, and sends a
picture of 40 KB every minute; and the real /metrics, which one small server has at a port for each.
mosquitto and prometheus are the real ones, prometheus with docs/fleet's own configuration and
alerts. `--files` is the limit of open files that both get (default: this machine's).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.broker import HOST, free_port
from tests.helpers.simulated_pis import SimulatedPi, metrics, serving_pis

ROOT = Path(__file__).parents[1]
CLIENTS_A_PROCESS = 250
PICTURE = bytes(40_000)
PICTURE_EVERY_S = 60
CLASSES = ("person", "cat", "dog", "car", "bicycle")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def usage_of(pid: int) -> tuple[float, float, int]:
    """Seconds of processor time, resident MB, open files."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(fields[21]) * resource.getpagesize() / 1e6
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS, resident, files


def act_as_pis(numbers: range, port: int, sent: Any, up: Any) -> None:
    """In a process of its own: the MQTT clients of some Pis, in one thread."""
    import selectors

    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    draw = random.Random(numbers.start)
    selector, due = selectors.DefaultSelector(), []
    for number in numbers:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"pi-{number}", protocol=MQTTv5)
        base = f"liteberry/pi{number}"
        client.will_set(f"{base}/availability", "offline", qos=1, retain=True)
        try:
            client.connect(HOST, port, keepalive=15)
        except OSError:
            continue
        selector.register(client.socket(), selectors.EVENT_READ, client)
        for topic in ("threshold/set", "paused/set", "variant/set"):
            client.subscribe(f"{base}/{topic}", qos=1)
        for label in CLASSES:
            client.publish(f"{base}/class/{label}/occupancy", "OFF", retain=True)
            client.publish(f"{base}/class/{label}/picture", PICTURE, retain=True)
        client.publish(f"{base}/availability", "online", retain=True)
        due.append((time.monotonic() + draw.uniform(0, 2), client, base))
    pictures_s = {base: time.monotonic() + draw.uniform(0, PICTURE_EVERY_S) for _, _, base in due}
    while True:
        now_s = time.monotonic()
        for index, (when_s, client, base) in enumerate(due):
            if when_s > now_s:
                continue
            state = draw.choice(("ON", "OFF"))
            client.publish(f"{base}/class/{draw.choice(CLASSES)}/occupancy", state, retain=True)
            with sent.get_lock():
                sent.value += 1
            if pictures_s[base] < now_s:
                pictures_s[base] = now_s + PICTURE_EVERY_S
                client.publish(f"{base}/class/person/picture", PICTURE, retain=True)
            due[index] = (now_s + draw.uniform(1, 2), client, base)
        for key, _ in selector.select(0.02):
            key.data.loop_read()
        for _, client, _ in due:
            if client.want_write():
                client.loop_write()
            client.loop_misc()
        with up.get_lock():
            up[numbers.start // CLIENTS_A_PROCESS] = sum(item.is_connected() for _, item, _ in due)


@contextlib.contextmanager
def program(name: str, words: list[str], files: int, folder: Path) -> Iterator[int]:
    """A program with a limit of open files; its process id."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        sys.exit(f"fleet.py: {name} is not installed (Debian has it)")
    limited = ["prlimit", f"--nofile={files}:{files}", found, *words]
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(limited, cwd=folder, stdout=log, stderr=log)
        try:
            yield child.pid
        finally:
            child.terminate()
            child.wait()


def ask(port: int, query: str) -> float | None:
    """The value of a query of Prometheus; None where there is none."""
    query = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"http://{HOST}:{port}/api/v1/query?{query}", timeout=30) as got:
        result = json.load(got)["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def configure(folder: Path, pis: list[SimulatedPi]) -> None:
    """The configuration of docs/fleet, and a list of these Pis."""
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(ROOT / "docs" / "fleet" / name, folder)
    (folder / "token").write_text("secret")
    lines = [f'- targets: ["{HOST}:{pi.port}"]' for pi in pis]
    (folder / "targets.yml").write_text("\n".join(lines) + "\n")


def make_pis(count: int) -> list[SimulatedPi]:
    """With metrics of drawn values, as long as those of a run with five classes."""
    draw, pis = random.Random(0), []
    for number in range(count):
        more = "".join(
            f'liteberry_frames_with_total{{label="{label}"}} {draw.randrange(10**6)}.0\n'
            f'liteberry_stage_seconds_sum{{stage="{label}"}} {draw.uniform(0, 1e5)}\n'
            f'liteberry_stage_seconds_count{{stage="{label}"}} {draw.randrange(10**6)}.0\n'
            f'liteberry_zone_inside{{zone="{label}"}} {draw.randrange(9)}.0\n'
            for label in CLASSES
        )
        text = metrics(f"pi-{number}", fps=draw.uniform(5, 30), temperature=draw.uniform(40, 85))
        pis.append(SimulatedPi(text + more.encode(), token="secret"))  # noqa: S106
    return pis


def measure(count: int, seconds: float, files: int) -> None:
    """One line of the table."""
    broker, watcher = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pis = list(stack.enter_context(serving_pis(make_pis(count))))
        configure(folder, pis)
        (folder / "mosquitto.conf").write_text(
            f"listener {broker} {HOST}\nallow_anonymous true\nuser root\n"
        )
        mosquitto = stack.enter_context(
            program("mosquitto", ["-c", "mosquitto.conf"], files, folder)
        )
        words = ["--config.file=prometheus.yml", f"--web.listen-address={HOST}:{watcher}"]
        prometheus = stack.enter_context(
            program("prometheus", [*words, "--storage.tsdb.path=data"], files, folder)
        )
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, broker), 1):
                break
            time.sleep(0.1)
        sent, processes = multiprocessing.Value("q", 0), []
        up = multiprocessing.Array("i", -(-count // CLIENTS_A_PROCESS))
        for start in range(0, count, CLIENTS_A_PROCESS):
            numbers = range(start, min(start + CLIENTS_A_PROCESS, count))
            child = multiprocessing.Process(target=act_as_pis, args=(numbers, broker, sent, up))
            child.start()
            stack.callback(child.kill)
            processes.append(child)
        time.sleep(20)  # all are connected, and asked once
        before = usage_of(mosquitto)[0], usage_of(prometheus)[0]
        began_s, began = time.monotonic(), sent.value
        time.sleep(seconds)
        passed_s = time.monotonic() - began_s
        for name, pid, earlier in (
            ("mosquitto", mosquitto, before[0]),
            ("prometheus", prometheus, before[1]),
        ):
            cpu_s, resident, opened = usage_of(pid)
            share = (cpu_s - earlier) / passed_s
            if name == "mosquitto":
                state = (
                    f"{sum(up)} connected, {(sent.value - began) / passed_s:.0f} states a second"
                )
            else:
                well = ask(watcher, 'sum(up{job="liteberry"})') or 0
                slow = ask(watcher, 'max(scrape_duration_seconds{job="liteberry"})') or 0
                state = f"{well:.0f} answer, the slowest in {slow:.2f} s"
            print(
                f"{count:>6}  {name:<12}{share:>7.1%}{resident:>9.1f} MB{opened:>8}  {state}",
                flush=True,
            )
        for child in processes:
            child.kill()
            child.join()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--pis", default="100,300,1000", help="default: 100,300,1000")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="of each line")
    parser.add_argument("--files", type=int, default=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    args = parser.parse_args()
    print(f"{'Pis':>6}  {'program':<12}{'core':>7}{'resident':>12}{'files':>8}")
    for count in args.pis.split(","):
        measure(int(count), args.seconds, args.files)


if __name__ == "__main__":
    main()
