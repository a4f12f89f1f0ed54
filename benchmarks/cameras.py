"""What a second camera costs a run: ratios of FPS, taken in turns, and memory.

    python benchmarks/cameras.py BUNDLE [--rounds N] [--frames N] [--json FILE]
        [--detect=FLAGS]

Each round runs one camera, then two, then three, for the same number of frames each; a round's
ratios are of runs a few seconds apart, so that a busy or slow machine changes both. Every camera is
the demo with a path of its own: it makes frames faster than the network takes them. With
``--detect="--threads 1"`` or ``--detect="--size 1920x1080"`` all runs have those flags too.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
MOST = 3  # cameras
WARM_UP = 50  # frames of each, before which the interpreter is still loading
WANTED_SHARE = 0.03  # by which the sum may differ from one camera's
WANTED_MB = 15.0  # of a further camera


def run(bundle: Path, cameras: int, frames: int, flags: Sequence[str]) -> dict[str, float]:
    """One run: the FPS of each camera and of all, and the peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "seen.jsonl"
        command = [sys.executable, "-m", "device", "detect", str(bundle), "--log", str(log)]
        command += ["--frames", str(frames), *["--source", "demo"] * cameras, *flags]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        logs = [
            [json.loads(line)["finished_at_s"] for line in file.read_text().splitlines()]
            for file in sorted(Path(folder).glob("*.jsonl"))
        ]
    begin = max(stamps[WARM_UP] for stamps in logs)
    end = min(stamps[-1] for stamps in logs)  # all run until then
    counts = [sum(begin < stamp <= end for stamp in stamps) for stamps in logs]
    peaks = [float(part.split(" MB")[0]) for part in done.stdout.split("peak memory ")[1:]]
    return {
        "fps": sum(counts) / (end - begin),
        "slowest_fps": min(counts) / (end - begin),
        "peak_mb": max(peaks),
    }


def main() -> int:
    """Measure, print, and exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--frames", type=int, default=600, metavar="N", help="of each camera")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--detect", default="", metavar="FLAGS", help="of all runs")
    args = parser.parse_args()
    flags = shlex.split(args.detect)
    rounds = []
    for number in range(args.rounds):
        rounds.append([run(args.bundle, count, args.frames, flags) for count in range(1, MOST + 1)])
        one, two = rounds[-1][0], rounds[-1][1]
        print(
            f"round {number + 1}: one {one['fps']:.1f} FPS and {one['peak_mb']:.0f} MB, "
            f"two {two['fps']:.1f} together and {two['peak_mb']:.0f} MB",
            flush=True,
        )
    together = statistics.median(two["fps"] / one["fps"] for one, two, _ in rounds)
    slower = statistics.median(two["slowest_fps"] / one["fps"] for one, two, _ in rounds)
    three = statistics.median(last["fps"] / one["fps"] for one, _, last in rounds)
    further = statistics.median((last["peak_mb"] - one["peak_mb"]) / 2 for one, _, last in rounds)
    print(f"machine: {platform.machine()}, {platform.platform()}")
    print(f"two cameras together, over one: {together:.3f} (at least {1 - WANTED_SHARE:.2f})")
    print(f"the slower of two, over one: {slower:.3f} (at least {(1 - WANTED_SHARE) / 2:.3f})")
    print(f"three cameras together, over one: {three:.3f}")
    print(f"memory of each further camera: {further:.1f} MB (at most {WANTED_MB:.0f})")
    if args.json is not None:
        args.json.write_text(json.dumps(rounds, indent=1) + "\n")
    return together < 1 - WANTED_SHARE or slower < (1 - WANTED_SHARE) / 2 or further > WANTED_MB


if __name__ == "__main__":
    sys.exit(main())
