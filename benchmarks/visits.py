"""What following objects costs a run, and whether a day of it stays within its bounds.

    python benchmarks/visits.py [--json FILE] cost BUNDLE VIDEO [--rounds N] [--frames N]
    python benchmarks/visits.py [--json FILE] day [--frames N]

``cost``: frames per second of runs with all of it on (visits, a zone, a line, a rule, the
database, counts) in ratios to runs without, in pairs, one interpreter thread; and the processor
time per frame.
``day``: 24 hours by a script on a clock that is not waited for: counts against the script, memory
after a tenth of it and at the end, and the size of the database against its quota.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from device.bundle.bundle import Bundle
from device.cameras.open import open_camera
from device.events.reader import VisitReader
from device.inference.engine import Engine
from device.outputs.counts import CountsSink
from device.outputs.event_log import EventSink
from device.outputs.pace import Pace
from device.pipeline.pipeline import Pipeline
from device.pipeline.watching import Watch
from device.records import Frame, Outcome
from device.system.memory_trim import share_one_arena
from device.system.resource_usage import rss_mb
from device.visits.plan import read_plan
from device.visits.watcher import SceneWatcher
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


def run_once(
    engine: Engine, video: Path, frames: int | None, folder: Path | None
) -> tuple[float, float]:
    """Frames per second, and ms of processor time per frame; ``folder``: with all of it on."""
    with open_camera(str(video), [], print) as camera:
        sinks, watch = [], None
        if folder is not None:
            found, _ = read_plan(TABLES)
            watch = Watch(SceneWatcher(found), Pace.of(camera.fps, live=False))
            sinks = [EventSink(folder / "events.db"), CountsSink(folder / "counts")]
        pipeline = Pipeline(camera, engine, sinks, watch=watch)
        began_s = time.process_time()
        pipeline.run(frames, threading.Event())
        cpu_s = time.process_time() - began_s
        for sink in sinks:
            sink.close()
    return pipeline.rate.fps, cpu_s / pipeline.rate.stamps * 1e3


def cost(args: argparse.Namespace) -> dict[str, object]:
    """Pairs of runs, the order turned around in every other one."""
    ratios, added_ms = [], []
    with Engine(Bundle(args.bundle), args.variant, threads=1) as engine:
        run_once(engine, args.video, args.frames, None)
        for number in range(args.rounds):
            with tempfile.TemporaryDirectory() as name:
                order = [None, Path(name)] if number % 2 == 0 else [Path(name), None]
                found = {
                    folder: run_once(engine, args.video, args.frames, folder) for folder in order
                }
                (fps, cpu_ms), (with_fps, with_cpu_ms) = found[None], found[Path(name)]
            ratios.append(with_fps / fps)
            added_ms.append(with_cpu_ms - cpu_ms)
            print(f"{fps:7.1f} FPS without, {with_fps:7.1f} with: {ratios[-1]:.3f}; "
                  f"{added_ms[-1]:+.2f} ms of processor time per frame", flush=True)  # fmt: skip
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    print(f"ratio: median {middle:.3f}, quartiles {low:.3f} to {high:.3f}")
    return {"ratios": ratios, "added_cpu_ms": added_ms}


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
    a_day = commands.add_parser("day")
    a_day.add_argument("--frames", type=int, default=DAY_FRAMES)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    found = cost(args) if args.command == "cost" else day(args)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
