"""What the page of the past costs a run in memory.

    python benchmarks/past.py BUNDLE VIDEO [--frames N] [--visits N] [--json FILE]

Three runs of ``detect --serve`` as users start them, on the same frames: with ``--track``, with
``--events`` too, and with the past in use all the time, of a day with so many visits. Told are
their resident memory at its peak, and what the page was answered meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from device.events.feet import FootMap
from device.events.records import BestPicture, StoredFinding
from device.events.store import EventStore
from device.images import encode_jpeg
from device.records import Visit

ROOT = Path(__file__).resolve().parents[1]
HOST, PORT = "127.0.0.1", 8738
MOST_MB = 15.0
DAY_S = 86_400.0


def fill(path: Path, count: int, video: Path) -> float:
    """Write ``count`` visits of the last day, with a picture from ``video``; when that began."""
    capture = cv2.VideoCapture(str(video))
    _, image = capture.read()
    capture.release()
    height, width = image.shape[:2]
    jpeg = encode_jpeg(np.asarray(image, np.uint8))
    since_s = time.time() - DAY_S
    store, feet = EventStore(path), FootMap()
    with store.batch():
        for number in range(count):
            began_s = since_s + number * DAY_S / (count + 1)
            label = ("person", "car", "dog")[number % 3]
            box = (10.0, 10.0, 100.0, 200.0)
            visit = Visit(
                visit_id=number, class_id=number % 3, label=label, began_s=began_s,
                seen_s=began_s + 20, score=0.9, box=box, zones=("door", f"till {number % 9}"),
            )  # fmt: skip
            added = store.add(visit, "0")
            store.update(added, visit, under_way=False)
            found = (StoredFinding(label, number % 3, 0.9, box, number),)
            picture = BestPicture(jpeg, (width, height), found)
            store.set_picture(added, picture, picture.box_of(number))
            feet.add(label, began_s, number % 97 / 97, number % 89 / 89, 20.0)
        store.add_feet(feet)
    store.close()
    return since_s


def ask(path: str, **headers: str) -> bytes:
    """The content of an answer."""
    with contextlib.closing(http.client.HTTPConnection(HOST, PORT, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().read()


def look_around(since_s: float, answers: Counter[str]) -> None:
    """Ask once for all that the page shows of a day, and count the answers by kind."""
    day = f"since={since_s}&until={since_s + DAY_S}"
    after: str | None = ""
    clips: list[int] = []
    ask("/past")
    ask(f"/api/day?{day}")
    answers["days"] += 1
    while after is not None:
        content = json.loads(ask(f"/api/visits?{day}&limit=100{after and '&after=' + after}"))
        for visit in content["visits"][:20]:
            ask(f"/api/visits/{visit['number']}/picture.jpg?drawn=1")
            answers["pictures"] += 1
        answers["visits"] += len(content["visits"])
        clips += [visit["number"] for visit in content["visits"] if visit["clip"]]
        after = content["next"]
    for number in clips[:5]:
        ask(f"/api/visits/{number}/clip.mp4", Range="bytes=0-2000000")
        answers["parts of clips"] += 1


def run(
    args: argparse.Namespace, since_s: float | None, *flags: object
) -> tuple[float, Counter[str]]:
    """Peak memory of a run in MB, and the answers of its past, asked from ``since_s`` on."""
    command = [
        sys.executable, "-m", "device", "detect", args.bundle, "--source", args.video, "--track",
        "--frames", args.frames, "--threads", 1, "--serve", f"{HOST}:{PORT}", *flags,
    ]  # fmt: skip
    answers: Counter[str] = Counter()
    with subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        while since_s is not None and process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                look_around(since_s, answers)
        summary = process.communicate()[0]
    if process.returncode:
        raise SystemExit("device detect failed: run it by hand to see why")
    return float(summary.split("peak memory ")[1].split(" MB")[0]), answers


def main() -> int:
    """Measure, print, and exit 1 where the past takes too much."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--frames", type=int, default=400, metavar="N")
    parser.add_argument("--visits", type=int, default=2000, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "events.db"
        since_s = fill(path, args.visits, args.video)
        found["without_mb"], _ = run(args, None)
        found["with_events_mb"], _ = run(args, None, "--events", Path(name) / "other.db")
        found["past_in_use_mb"], answers = run(
            args, since_s, "--events", path, "--clips", Path(name) / "clips"
        )
    added = found["past_in_use_mb"] - found["without_mb"]
    print(f"{found['without_mb']:.1f} MB without, {found['with_events_mb']:.1f} MB with --events, "
          f"{found['past_in_use_mb']:.1f} MB with the past in use ({dict(answers)}, of "
          f"{args.visits} visits)")  # fmt: skip
    print(f"{added:+.1f} MB, at most {MOST_MB:.0f} {'' if added <= MOST_MB else 'MISSED'}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if added <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
