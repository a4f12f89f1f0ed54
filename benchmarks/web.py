"""What the live page costs a run: ratios of its FPS, taken in turns, its memory, and the wait.

    python benchmarks/web.py BUNDLE [--source SRC] [--threads N] [--json FILE]

Each round runs headless, served with nobody watching, with one viewer and with ten, each for the
same number of frames; a round's ratios are of runs a few seconds apart, so that a busy or slow
machine changes both. Viewers are a process of their own, on the same cores. Run it on a quiet
machine all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tornado.websocket import WebSocketClosedError, websocket_connect

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "127.0.0.1:8737"
ROUNDS = 5
WANTED_S = 2  # from the first frame to its picture, at most
WARM_UP_S = 1.5  # from the first frame on: by then the viewers are there


async def watch(count: int) -> None:
    """Be ``count`` viewers until the run ends; print how many pictures each got a second."""

    async def view() -> float:
        while True:
            with contextlib.suppress(OSError):
                line = await websocket_connect(f"ws://{ADDRESS}/live")
                break
            await asyncio.sleep(0.05)
        stamps = []
        with contextlib.suppress(WebSocketClosedError):  # in the middle of a thank-you
            while (message := await line.read_message()) is not None:
                if isinstance(message, bytes):
                    stamps.append(time.monotonic())
                    await line.write_message("ready")
        return (len(stamps) - 1) / (stamps[-1] - stamps[0])

    print(min(await asyncio.gather(*(view() for _ in range(count))), default=0))


@contextlib.contextmanager
def detect(log: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """``device detect`` as users run it, with a log."""
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "device", "detect", *map(str, arguments), "--log", str(log)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield process


def run(log: Path, arguments: list[object], viewers: int | None) -> dict[str, float]:
    """One run: its FPS after the warm-up, its peak memory, and what the slowest viewer got."""
    serve = [] if viewers is None else ["--serve", ADDRESS]
    watching = [sys.executable, __file__, "--watch", str(viewers or 0)]
    found = {}
    with (
        detect(log, *arguments, *serve) as process,
        subprocess.Popen(watching, stdout=subprocess.PIPE, text=True) as watchers,
    ):
        summary = process.communicate()[0]
        if process.returncode:
            watchers.kill()
            raise SystemExit("device detect failed: run it by hand to see why")
        if viewers:
            found["pictures_per_s"] = float(watchers.communicate()[0])
    found["peak_mb"] = float(summary.split("peak memory ")[1].split(" MB")[0])
    stamps = [json.loads(line)["finished_at_s"] for line in log.read_text().splitlines()]
    steady = [stamp for stamp in stamps if stamp > stamps[0] + WARM_UP_S]
    found["fps"] = (len(steady) - 1) / (steady[-1] - steady[0])
    return found


def first_image_s(log: Path, arguments: list[object]) -> float | None:
    """From the first frame to its picture in a browser that asks as soon as somebody listens.

    The browser is told where to go once: asked over and over it keeps a core from the run that
    begins. Where it is late, standard error says when the answer, the page and the picture came.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        with detect(log, *arguments, "--serve", ADDRESS) as process:
            _await_listener(process)
            asked_s = time.monotonic()
            page.goto(f"http://{ADDRESS}/", wait_until="commit")
            answered_s = time.monotonic()
            page.wait_for_load_state("domcontentloaded")
            loaded_s = time.monotonic()
            page.locator("#picture[data-frame]").wait_for()
            shown_s = time.monotonic()
            process.terminate()
        browser.close()
    first_s: float = json.loads(log.read_text().splitlines()[0])["finished_at_s"]
    if shown_s - first_s > WANTED_S:
        moments = {"asked": asked_s, "answered": answered_s, "loaded": loaded_s, "shown": shown_s}
        told = ", ".join(f"{name} {moment - first_s:+.2f}" for name, moment in moments.items())
        print(f"late; seconds from the first frame on: {told}", file=sys.stderr, flush=True)
    return shown_s - first_s


def _await_listener(process: subprocess.Popen[str]) -> None:
    host, _, port = ADDRESS.rpartition(":")
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
            return
        time.sleep(0.02)
    raise SystemExit("device detect failed: run it by hand to see why")


def main() -> int:
    """Measure, print, and exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--source", default="demo", metavar="SRC", help="default: demo")
    parser.add_argument("--frames", type=int, default=1200, metavar="N", help="of each run")
    parser.add_argument("--threads", type=int, metavar="N", help="of the interpreter")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    args = parser.parse_args()
    arguments: list[object] = [args.bundle, "--source", args.source]
    arguments += ["--threads", args.threads] if args.threads else []
    rounds: list[dict[int | None, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.jsonl"
        endless = [*arguments, "--frames", 100_000]
        waits = [wait for _ in range(3) if (wait := first_image_s(log, endless)) is not None]
        for number in range(ROUNDS):
            finite = [*arguments, "--frames", args.frames]
            rounds.append({viewers: run(log, finite, viewers) for viewers in (None, 0, 1, 10)})
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)

    def ratio(viewers: int) -> float:
        return statistics.median(each[viewers]["fps"] / each[None]["fps"] for each in rounds)

    def peak_mb(viewers: int | None) -> float:
        return statistics.median(each[viewers]["peak_mb"] for each in rounds)

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    fps = statistics.median(each[None]["fps"] for each in rounds)
    slowest = min(each[10]["pictures_per_s"] for each in rounds)
    print(f"  headless: {fps:.0f} FPS, {peak_mb(None):.0f} MB")
    print(f"  the slowest of ten viewers got {slowest:.1f} pictures a second")
    found = {}
    for title, sign, target, value in (
        ("FPS with nobody watching, over headless", ">=", 0.95, ratio(0)),
        ("FPS with one viewer, over headless", ">=", 0.85, ratio(1)),
        ("FPS with ten viewers, over headless", ">=", 0.75, ratio(10)),
        ("resident with one viewer, peak, MB", "<=", 130, peak_mb(1)),
        ("first frame to its picture in a browser, s", "<=", WANTED_S, max(waits, default=None)),
    ):
        if value is None:
            print(f"  {title:<46} chromium is not here")
            continue
        met = value >= target if sign == ">=" else value <= target
        found[title] = {"value": round(value, 4), "target": f"{sign} {target}", "met": met}
        print(f"  {title:<46}{value:8.2f}  {sign} {target:<5} {'' if met else 'MISSED'}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(item["met"] for item in found.values()) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watch"]:
        asyncio.run(watch(int(sys.argv[2])))
        sys.exit(0)
    sys.exit(main())
