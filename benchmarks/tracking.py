"""Scores the tracker on a folder of MOT15 files, beside other trackers on the same detections.

    python benchmarks/tracking.py FOLDER [--json FILE]

FOLDER holds NAME.det.txt and NAME.gt.txt of each sequence, in the MOT challenge's format. Every
tracker runs with the settings it ships; those of the package `trackers` are scored where it is
installed. MOTA and IDF1 are py-motmetrics', at an overlap of 0.5; the cost is the median
processor time of an update with 20 tracks; tracking_arm.py counts its instructions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import motmetrics
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device.records import Detection
from device.tracking.tracker import Tracker

RATE = 25.0  # frames per second, where a sequence does not say
METRICS = ["mota", "idf1", "num_switches", "num_misses", "num_false_positives"]


def read(path: Path) -> dict[int, list[tuple[int, list[float], float]]]:
    """Rows of a MOT15 file by frame: id, box as x, y, width, height, and score."""
    rows = defaultdict(list)
    for line in path.read_text().splitlines():
        frame, name, *box, score = map(float, line.split(",")[:7])
        rows[int(frame)].append((int(name), box, score))
    return rows


def ours(detections: dict[int, list[tuple[int, list[float], float]]], frames: range) -> dict:
    """What this project's tracker shows on each frame: id and box."""
    tracker = Tracker()
    shown = {}
    for frame in frames:
        found = [
            Detection(0, "person", score, x, y, x + width, y + height)
            for _, (x, y, width, height), score in detections[frame]
        ]
        tracks = tracker.update(found, frame / RATE)
        shown[frame] = [(track.track_id, track.box) for track in tracks if track.shown]
    return shown


def theirs(name: str, detections: dict, frames: range) -> dict | None:
    """What a tracker of the package `trackers` shows, or None where it is not installed."""
    try:
        import supervision
        import trackers
    except ImportError:
        return None
    tracker = getattr(trackers, name)()
    shown = {}
    for frame in frames:
        boxes = np.array([box for _, box, _ in detections[frame]], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        scores = np.array([score for _, _, score in detections[frame]])
        found = supervision.Detections(boxes, confidence=scores, class_id=np.zeros(len(boxes), int))
        tracked = tracker.update(found)
        pairs = zip(tracked.tracker_id, tracked.xyxy.tolist(), strict=True)
        shown[frame] = [(int(number), tuple(box)) for number, box in pairs if number >= 0]
    return shown


def score(shown: dict, truth: dict, frames: range) -> dict[str, float]:
    """MOTA, IDF1 and what they are made of."""
    sums = motmetrics.MOTAccumulator()
    for frame in frames:
        boxes = [(b[0], b[1], b[2] - b[0], b[3] - b[1]) for _, b in shown[frame]]
        true_boxes = [box for _, box, _ in truth[frame]]
        distances = motmetrics.distances.iou_matrix(true_boxes, boxes, max_iou=0.5)
        sums.update(
            [name for name, _, _ in truth[frame]], [n for n, _ in shown[frame]], distances, frame
        )
    table = motmetrics.metrics.create().compute(sums, metrics=METRICS, name="all")
    return {name: float(table.iloc[0][name]) for name in METRICS}


def cost_ms(tracks: int = 20, frames: int = 300) -> float:
    """Median time of an update with so many tracks, all found."""
    random = np.random.default_rng(0)
    starts = random.uniform(0, 1000, (tracks, 2))
    tracker = Tracker()
    times_s = []
    for frame in range(frames):
        corners = (starts + 2 * frame + random.normal(0, 1, (tracks, 2))).tolist()
        found = [Detection(0, "person", 0.9, x, y, x + 40, y + 80) for x, y in corners]
        started = time.thread_time()
        tracker.update(found, frame / RATE)
        times_s.append(time.thread_time() - started)
    return statistics.median(times_s) * 1e3


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = {}
    truth_paths = sorted(args.folder.glob("*.gt.txt"))
    if not truth_paths:
        parser.error(f"{args.folder}: no NAME.gt.txt, with NAME.det.txt beside it, is there")
    for truth_path in truth_paths:
        name = truth_path.name.removesuffix(".gt.txt")
        truth, found = read(truth_path), read(truth_path.with_name(f"{name}.det.txt"))
        frames = range(1, max(*truth, *found) + 1)
        results[name] = {"liteberry": score(ours(found, frames), truth, frames)}
        for other in ("ByteTrackTracker", "OCSORTTracker", "SORTTracker"):
            if (shown := theirs(other, found, frames)) is not None:
                results[name][other] = score(shown, truth, frames)
        for tracker, figures in results[name].items():
            said = "  ".join(f"{key} {value:.3f}" for key, value in figures.items())
            print(f"{name}  {tracker:<18} {said}")
    results["update_ms_20_tracks"] = cost_ms()
    print(f"update with 20 tracks: {results['update_ms_20_tracks']:.2f} ms")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
