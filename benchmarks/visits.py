"""What following objects costs a run, and whether a day of it stays within its bounds.

    python benchmarks/visits.py cost BUNDLE VIDEO [--rounds N] [--frames N] [--camera FPS]
    python benchmarks/visits.py day [--frames N]

``cost``: frames per second and processor time per frame of three runs in turns, each on one
interpreter thread: one without any of it; one with visits, a zone, a line, a rule, the database and
counts; and one with all that and clips of every person, the page with its past, and a viewer of it
(another process). Ratios and differences are to the run without of the same round. A video's frames
come as fast as the network takes them, which no camera's do: with ``--camera`` they come as a
camera's at that rate, and the newest counts.
``day``: 24 hours by a script on a clock that is not waited for: counts against the script, memory
after a tenth of it and at the end, and the size of the database against its quota.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
from tornado.websocket import WebSocketClosedError, websocket_connect

from device.bundle.bundle import Bundle
from device.cameras.base import Camera, Shot
from device.cameras.open import open_camera
from device.events.reader import VisitReader
from device.inference.engine import Engine
from device.outputs.clips import ClipSink
from device.outputs.counts import CountsSink
from device.outputs.event_log import EventSink
from device.outputs.pace import Pace
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_editor import SceneEditor
from device.pipeline.watching import Watch
from device.records import Frame, Outcome
from device.system.memory_trim import share_one_arena
from device.system.resource_usage import rss_mb
from device.visits.plan import read_plan
from device.visits.watcher import SceneWatcher
from device.web.address import Address
from device.web.past import Past
from device.web.run import Run, describe
from device.web.server import LivePage
from tests.helpers.scripted_day import expected, picture, plan, result_of

TABLES = {
    "zone": [
        {"name": "z", "points": [[0.2, 0.2], [0.8, 0.2], [0.8, 0.9], [0.2, 0.9]], "queue": True}
    ],
    "line": [{"name": "l", "start": [0.5, 1], "end": [0.5, 0]}],
    "rule": [{"name": "r", "when": "z: more than 2 for 5 s"}],
}
DAY_FRAMES, DAY_S = 200_000, 86_400
QUOTA_BYTES = 20_000_000


LEVELS = ("without", "visits", "all")
MOST_SLOWER = 0.05


class PacedCamera(Camera):
    """A camera that shows a video, of which frames are lost that nobody takes in time."""

    live = True

    def __init__(self, video: Camera, fps: float) -> None:
        super().__init__()
        self.fps = fps
        self._shots = video.frames()
        self._due_s = time.monotonic()

    def _read(self) -> Shot | None:
        frame = next(self._shots, None)
        self._due_s = max(self._due_s + 1 / (self.fps or 1), time.monotonic())
        self._stop.wait(self._due_s - time.monotonic())
        return None if frame is None else Shot(frame.pixels)


@contextlib.contextmanager
def outfit(
    level: str, bundle: Bundle, engine: Engine, camera: Camera, folder: Path
) -> Iterator[Pipeline]:
    """A run of ``level``, with all its outputs in ``folder``."""
    if level == "without":
        yield Pipeline(camera, engine, [])
        return
    found, _ = read_plan(TABLES)
    pace = Pace.of(camera.fps, live=camera.live)
    watch = Watch(SceneWatcher(found), pace)
    store, clips = folder / "events.db", folder / "clips"
    with contextlib.ExitStack() as stack:
        if level == "visits":
            sinks = [stack.enter_context(EventSink(store))]
            sinks.append(stack.enter_context(CountsSink(folder / "counts")))
            yield Pipeline(camera, engine, sinks, watch=watch)
            return
        page = stack.enter_context(LivePage(Address("127.0.0.1", 0), None, 12))
        recorder = stack.enter_context(ClipSink(clips, ["person"], 5.0, pace))
        sinks = [recorder, stack.enter_context(CountsSink(folder / "counts"))]
        events = EventSink(store, clips=clips, clip_of=recorder.path_for)
        sinks += [stack.enter_context(events), page.feed]
        pipeline = Pipeline(camera, engine, sinks, watch=watch)
        make_engine = functools.partial(Engine, bundle, threads=1)
        controls = Controls(pipeline, [engine.variant], make_engine)
        editor = SceneEditor(pipeline, folder / "zones.toml", TABLES, bundle.labels)
        about = describe(bundle, "video.avi")
        page.start(Run(page.feed, pipeline, controls, about, Past(store, clips), editor))
        command = [sys.executable, __file__, "view", page.endpoint.link]
        viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stack.callback(viewer.communicate)  # it leaves when the page closes
        assert viewer.stdout is not None
        viewer.stdout.readline()  # it is there
        yield pipeline
        page.close()


async def view(link: str) -> None:
    """Look at the page until it ends, and say when that begins."""
    line = await websocket_connect(link.replace("http", "ws") + "live")
    print("there", flush=True)
    with contextlib.suppress(WebSocketClosedError):
        while (message := await line.read_message()) is not None:
            if isinstance(message, bytes):
                await line.write_message("ready")


def run_once(
    bundle: Bundle, engine: Engine, args: argparse.Namespace, frames: int | None, level: str
) -> tuple[float, float]:
    """Frames per second, and ms of processor time per frame, until all is written."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        camera = stack.enter_context(open_camera(str(args.video), [], print))
        if args.camera is not None:
            camera = PacedCamera(camera, args.camera)
        with outfit(level, bundle, engine, camera, folder) as pipeline:
            began_s = time.process_time()
            pipeline.run(frames, threading.Event())
        cpu_s = time.process_time() - began_s
    return pipeline.rate.fps, cpu_s / pipeline.rate.stamps * 1e3


def cost(args: argparse.Namespace) -> dict[str, object]:
    """Rounds of runs, the order turned around in every other one."""
    found: dict[str, list[tuple[float, float]]] = {level: [] for level in LEVELS}
    bundle = Bundle(args.bundle)
    with Engine(bundle, args.variant, threads=1) as engine:
        run = functools.partial(run_once, bundle, engine, args)
        run(30, "all")
        for number in range(args.rounds):
            for level in LEVELS[:: 1 if number % 2 == 0 else -1]:
                found[level].append(run(args.frames, level))
            said = (f"{level} {found[level][-1][0]:.1f} FPS, {found[level][-1][1]:.2f} ms"
                    for level in LEVELS)  # fmt: skip
            print("; ".join(said), flush=True)
    figures: dict[str, object] = {}
    for level in LEVELS[1:]:
        pairs = list(zip(found[level], found["without"], strict=True))
        ratios = [fps / without for (fps, _), (without, _) in pairs]
        added_ms = [cpu_ms - without_ms for (_, cpu_ms), (_, without_ms) in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        slower = "" if middle >= 1 - MOST_SLOWER else " MISSED"
        print(f"{level}: {middle:.3f} of the frames per second (quartiles {low:.3f} to "
              f"{high:.3f}; at least {1 - MOST_SLOWER:.2f}{slower}), "
              f"{statistics.median(added_ms):+.2f} ms of processor time per frame")  # fmt: skip
        figures[level] = {"ratios": ratios, "added_cpu_ms": added_ms}
    return figures


def day(args: argparse.Namespace) -> dict[str, object]:
    """A scripted day through the watcher and both sinks."""
    share_one_arena()
    pixels = picture()
    watch = Watch(SceneWatcher(plan()), Pace(DAY_FRAMES / DAY_S), wall_s=lambda: 0.0)
    counts = dict.fromkeys(("visit-began", "visit-ended", "line-in", "line-out"), 0)
    memory_mb = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "events.db"
        with EventSink(store, QUOTA_BYTES) as events, CountsSink(folder / "counts") as tables:
            for number in range(args.frames):
                frame = Frame(pixels, number, 0.0)
                result = watch.update(result_of(number), frame, 0.5)
                for event in result.scene.events:
                    if event.kind in counts:
                        counts[event.kind] += 1
                outcome = Outcome(frame, result, None, 0.0, 0.0, 1.0, 1.0, 1.0)
                events.write(outcome)
                tables.write(outcome)
                if (number + 1) % (args.frames // 10) == 0:
                    memory_mb.append(round(rss_mb(), 1))
                    print(f"{number + 1} frames, {memory_mb[-1]} MB", flush=True)
        size = store.stat().st_size
        reader = VisitReader(store)
        kept = len(list(reader.visits()))
        reader.close()
    want = expected(args.frames)
    exact = (counts["visit-began"], counts["line-in"], counts["line-out"]) == (
        want.visits, want.ins, want.outs,
    )  # fmt: skip
    print(f"counts {'exact' if exact else 'WRONG'}: {counts}, by the script {want}")
    print(f"memory {memory_mb[0]} MB after a tenth, {memory_mb[-1]} MB at the end")
    print(f"database {size / 1e6:.1f} MB of {QUOTA_BYTES / 1e6:.0f}, {kept} visits in it")
    print(f"{(time.monotonic() - began_s) / args.frames * 1e3:.3f} ms per frame")
    return {"exact": exact, "memory_mb": memory_mb, "database_bytes": size, "kept": kept}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    a_cost = commands.add_parser("cost")
    a_cost.add_argument("bundle", type=Path)
    a_cost.add_argument("video", type=Path)
    a_cost.add_argument("--variant", default="int8")
    a_cost.add_argument("--rounds", type=int, default=10)
    a_cost.add_argument("--frames", type=int, help="of each run (default: all of the video)")
    a_cost.add_argument("--camera", type=float, metavar="FPS", help="at this rate, as a camera's")
    a_day = commands.add_parser("day")
    a_day.add_argument("--frames", type=int, default=DAY_FRAMES)
    commands.add_parser("view").add_argument("link")  # by cost
    args = parser.parse_args()
    if args.command == "view":
        asyncio.run(view(args.link))
        return
    cv2.setNumThreads(1)
    found = cost(args) if args.command == "cost" else day(args)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
