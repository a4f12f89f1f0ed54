"""Counts the Arm instructions of following 20 objects through a frame, under emulation.

    python benchmarks/tracking_arm.py [--tracks N] [--json FILE]

Time is of one machine and of what else it does; instructions are the same on any (see
docs/benchmarking.md). Counted is what a run does for each frame once the network has answered:
the tracker's update alone, and all of the watcher with a zone, a queue and a line, on a Pi 4's
processor and on a Pi 5's. An invoke of the network is counted by ``make bench-arm``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FRAMES, SETTLED = 60, 20  # frames that are followed; what is counted begins after so many
RATE = 25.0
TIMEOUT_S = 300.0
TABLES = {
    "zone": [
        {"name": "z", "points": [[0.2, 0.2], [0.8, 0.2], [0.8, 0.9], [0.2, 0.9]], "queue": True}
    ],
    "line": [{"name": "l", "start": [0.5, 1], "end": [0.5, 0]}],
}


def count_here(tracks: int) -> dict[str, float]:
    """Median instructions of an update of the tracker, and of the watcher; within the emulator."""
    import numpy as np
    from guest import Counter  # type: ignore[import-not-found]

    from device.records import Detection, Result, Timings
    from device.tracking.tracker import Tracker
    from device.visits.plan import read_plan
    from device.visits.watcher import SceneWatcher

    gc.disable()
    counter, random = Counter(), np.random.default_rng(0)
    columns, rows = np.arange(tracks) % 5, np.arange(tracks) // 5
    starts = np.stack([40 + 110 * columns, 20 + 120 * rows], axis=1)  # none hides another
    tracker, watcher = Tracker(), SceneWatcher(read_plan(TABLES)[0])
    counts: dict[str, list[int]] = {"tracker": [], "watcher": []}
    for frame in range(FRAMES):
        corners = (starts + frame + random.normal(0, 1, (tracks, 2))).tolist()
        found = tuple(Detection(0, "person", 0.9, x, y, x + 40, y + 80) for x, y in corners)
        result = Result(frame, found, Timings(0.0, 0.0, 0.0, 0.0))
        at_s = frame / RATE
        counts["tracker"].append(counter(lambda f=found, s=at_s: tracker.update(f, s)))
        counts["watcher"].append(
            counter(lambda r=result, s=at_s: watcher.update(r, (640, 480), s, s))
        )
    assert sum(track.shown for track in tracker.predict(at_s)) == tracks
    return {name: statistics.median(values[SETTLED:]) for name, values in counts.items()}


def count(tracks: int) -> dict[str, Any]:
    """Both counts on both processors."""
    sys.path.insert(0, str(ROOT))
    from convert.arm import guest
    from convert.arm.count import BYTECODE
    from convert.arm.emulator import BOARDS, CPUS, emulator
    from convert.arm.root import arm_root

    root = arm_root()
    found: dict[str, Any] = {}
    for cpu in CPUS:
        with emulator(root, cpu) as machine:
            work = machine.disk / "desk"
            shutil.copytree(ROOT / "device", work / "device", ignore=BYTECODE)
            shutil.copy(guest.__file__, work / "guest.py")
            shutil.copy(__file__, work / "tracking_arm.py")
            answers: list[bytes] = []
            asyncio.run(
                machine.run(
                    *("/usr/bin/python3.11", "/desk/tracking_arm.py", "--here"),
                    *("--tracks", str(tracks)),
                    timeout_s=TIMEOUT_S,
                    hear=answers.append,
                )
            )
        found[cpu] = json.loads(answers[-1])
        for name, instructions in found[cpu].items():
            print(f"{BOARDS[cpu]} ({cpu}), {name}, {tracks} tracks: "
                  f"{instructions / 1e6:.2f} million instructions a frame")  # fmt: skip
    return found


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=20, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(count_here(args.tracks)))
        return
    found = count(args.tracks)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
