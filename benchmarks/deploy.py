"""What deploying again costs beside deploying for the first time, in time and on the wire.

    python benchmarks/deploy.py [BUNDLE] [--rounds N] [--json FILE]

To an sshd of its own on the loopback interface, through a relay that counts what passes: all of
it, ssh's own share included. Each round begins on a host without liteberry and deploys three times:
first, with pip's wheels in its cache; with nothing changed; with a comment added to one Python
file. It exits with 1 where a redeployment takes more than a fifth of the first, or where one
changed file takes 200 KB or more, both ways together. A Pi is slower than this machine in all of
it, and most of all in what only the first deployment does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers.deploy_hosts import RealHost, real_host  # noqa: E402

MOST_OF_FIRST = 0.2
MOST_BYTES = 200_000
STEPS = ("first", "unchanged", "one file changed")


class Relay:
    """Passes connections on to ``port``, and counts the bytes of both directions."""

    def __init__(self, port: int) -> None:
        self.sent = self.received = 0  # by the one who connects
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for way in ((near, far, "sent"), (far, near, "received")):
                threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                setattr(self, counted, getattr(self, counted) + len(data))
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed_host() -> Iterator[tuple[RealHost, Relay]]:
    """A host that ssh reaches by way of the relay."""
    with tempfile.TemporaryDirectory() as folder, real_host(Path(folder)) as host:
        config = Path(host.laptop.environment["LITEBERRY_SSH_CONFIG"])
        port = re.findall(r"^  Port (\d+)$", config.read_text(), re.MULTILINE)[-1]
        relay = Relay(int(port))
        for file in (config, host.laptop.folder / "known_hosts"):
            file.write_text(file.read_text().replace(port, str(relay.port)))
        yield host, relay


def deploy(host: RealHost, relay: Relay, *arguments: str | Path) -> dict[str, float]:
    """What a deployment took."""
    sent, received, started = relay.sent, relay.received, time.perf_counter()
    done = host.deploy(*arguments)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return {"s": seconds, "sent": relay.sent - sent, "received": relay.received - received}


def one_round(host: RealHost, relay: Relay, bundle: Path) -> dict[str, dict[str, float]]:
    """The three deployments, to a host that has nothing of an earlier one."""
    deploy(host, relay, "--uninstall")
    deployed = {step: deploy(host, relay, "--bundle", bundle) for step in STEPS[:2]}
    with (host.laptop.checkout / "device" / "cli.py").open("a") as file:
        file.write("# changed\n")
    return deployed | {STEPS[2]: deploy(host, relay, "--bundle", bundle)}


def processor() -> str:
    """Its name, as Linux tells it."""
    told = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"^Model name:\s*(.+)$", told, re.MULTILINE)
    return found[1] if found else platform.machine()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "bundle", nargs="?", type=Path, default=ROOT / "build" / "ssdlite_mobilenet_v2"
    )
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many (default: 3)")
    parser.add_argument("--json", type=Path, help="write each round's figures here too")
    arguments = parser.parse_args()
    if not (arguments.bundle / "manifest.json").exists():
        sys.exit(f"deploy.py: {arguments.bundle} is no bundle; make one with: make demo")
    bundle = arguments.bundle.resolve()
    try:
        with relayed_host() as (host, relay):
            deploy(host, relay, "--bundle", bundle)  # from now on pip has the wheels
            rounds = [one_round(host, relay, bundle) for _ in range(arguments.rounds)]
    except pytest.skip.Exception as exc:
        sys.exit(f"deploy.py: {exc}")
    report(rounds, arguments.json)


def report(rounds: list[dict[str, dict[str, float]]], json_file: Path | None) -> None:
    """The medians, against what they must reach."""
    print(f"{processor()}, Python {platform.python_version()}, {len(rounds)} rounds, medians")
    print(f"{'deployment':<18} {'time':>8} {'of first':>8} {'sent':>10} {'received':>10}")
    medians = {
        step: {of: statistics.median(one[step][of] for one in rounds) for of in rounds[0][step]}
        for step in STEPS
    }
    for step, took in medians.items():
        print(
            f"{step:<18} {took['s']:>6.1f} s {took['s'] / medians['first']['s']:>8.3f}"
            f" {took['sent'] / 1000:>7.0f} KB {took['received'] / 1000:>7.0f} KB"
        )
    share = statistics.median(one["unchanged"]["s"] / one["first"]["s"] for one in rounds)
    wire = medians[STEPS[2]]["sent"] + medians[STEPS[2]]["received"]
    print(f"unchanged / first: {share:.3f} (must be at most {MOST_OF_FIRST})")
    print(f"one changed file: {wire / 1000:.1f} KB both ways (must be under {MOST_BYTES // 1000})")
    if json_file:
        machine = {"processor": processor(), "python": platform.python_version()}
        about = {"date": date.today().isoformat(), "machine": machine}
        json_file.write_text(json.dumps(about | {"rounds": rounds}, indent=1) + "\n")
    sys.exit(share > MOST_OF_FIRST or wire >= MOST_BYTES)


if __name__ == "__main__":
    main()
