"""What training gives: accuracy against time, throughput, memory, Ctrl-C, and what int8 loses.

    python benchmarks/training.py build/trained ../shared/data/own/raccoon ../shared/data/own/cards

trains on each dataset with the defaults of `python -m convert train` (or with the flags given after
`--`), evaluates float32 and int8 on its test split by the device's own engine, trains again to be
interrupted after the first epoch, and prints a row.
Quiet cores give other figures than busy ones: nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from convert.build.trained import decoder_rule, input_rule  # noqa: E402
from convert.evaluation.bootstrap import Interval, draw_weights, interval  # noqa: E402
from convert.evaluation.coco_map import Precision, resampled_precision  # noqa: E402
from convert.evaluation.validation import DetectionValidator  # noqa: E402
from convert.evaluation.variant_precision import variant_precision  # noqa: E402
from convert.training.dataset import read_dataset  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402

SHARE = 0.9  # of the final accuracy on validation images


def train(dataset: Path, bundle: Path, flags: list[str]) -> tuple[float, float]:
    """Train in a process of its own; returns its wall time in seconds and its peak memory in MB."""
    command = [sys.executable, "-m", "convert", "train", str(dataset), "--out", str(bundle)]
    started = time.monotonic()
    subprocess.run([*command, *flags], check=True)
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return time.monotonic() - started, peak_kb / 1e3


def seconds_after_interrupt(dataset: Path, bundle: Path, flags: list[str]) -> float:
    """Wall time from Ctrl-C, which comes with the first epoch's line, to a whole bundle."""
    command = [sys.executable, "-m", "convert", "train", str(dataset), "--out", str(bundle)]
    with subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        asked_s = ready_s = 0.0
        for line in child.stderr:
            print(line, end="", file=sys.stderr)
            if line.startswith("epoch") and not asked_s:
                child.send_signal(signal.SIGINT)
                asked_s = time.monotonic()
            if line.startswith("bundle"):
                ready_s = time.monotonic()
    if child.returncode != 0:
        raise SystemExit(f"training that was interrupted failed: exit code {child.returncode}")
    return ready_s - asked_s


def judge_test(dataset: Path, bundle: Path, seed: int) -> tuple[Precision, Precision, Interval]:
    """Precision of float32 and of int8 on the test split, and the interval of what int8 loses.

    In points of mAP: 95 % of resamples of the test images fall into it, the same for both.
    """
    split = read_dataset(dataset, seed, lambda _: None)
    opened = Bundle(bundle)
    rule = input_rule(opened.manifest.input.width)
    judge = DetectionValidator(split.test, split.classes, rule, decoder_rule(), opened.anchors)
    found = variant_precision(bundle, judge, ("float32", "int8"))
    weights = draw_weights(len(judge.images), seed)
    before, after = (
        100 * resampled_precision(found[variant].matches, weights) for variant in found
    )
    spread = interval(np.asarray(before - after))
    assert spread is not None, "a test split shows something"
    return found["float32"], found["int8"], spread


def curve(bundle: Path) -> tuple[float, float]:
    """Minutes until SHARE of the best validation mAP was reached, and images per second."""
    lines = [json.loads(line) for line in (bundle / "training.jsonl").read_text().splitlines()]
    wanted = SHARE * max(line["scores"]["mAP"] for line in lines)
    reached = next(line["elapsed_s"] for line in lines if line["scores"]["mAP"] >= wanted)
    pace = sorted(line["images_per_s"] for line in lines)[len(lines) // 2]
    return reached / 60, pace


def main() -> None:
    """Print a row per dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the bundles")
    parser.add_argument("datasets", type=Path, nargs="+", help="labelled images with a test split")
    parser.add_argument("--seed", type=int, default=0)
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args, flags = parser.parse_args(words[:end]), words[end + 1 :]
    print(
        "dataset     size  float32 mAP  AP50   int8 mAP  AP50  points lost (95 % of resamples)  "
        "minutes  to 90 %  images/s  after Ctrl-C s  peak MB"
    )
    for dataset in args.datasets:
        bundle = args.out / dataset.name
        wall_s, peak_mb = train(dataset, bundle, [*flags, "--seed", str(args.seed)])
        float32, int8, (least, most) = judge_test(dataset, bundle, args.seed)
        reached, pace = curve(bundle)
        again = bundle.with_name(f"{bundle.name}-interrupted")
        ready_s = seconds_after_interrupt(dataset, again, [*flags, "--seed", str(args.seed)])
        size = Bundle(bundle).manifest.input.width
        print(
            f"{dataset.name:<11} {size:>4}  {float32.map:11.3f} {float32.map_50:5.3f}   "
            f"{int8.map:8.3f} {int8.map_50:5.3f}  {100 * (float32.map - int8.map):11.2f} "
            f"{f'({least:.2f} to {most:.2f})':>19}  {wall_s / 60:7.1f}  {reached:7.1f}  "
            f"{pace:8.1f}  {ready_s:14.1f}  {peak_mb:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
