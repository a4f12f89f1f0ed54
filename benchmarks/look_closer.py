r"""Small objects found, and false alarms, by the whole picture and by ``--look closer``.

Pictures with COCO annotations are seen in three ways: each once (``picture``); each for several
frames, as a camera that stands still sees a scene (``still``); and through a window that wanders
over it by two pixels a frame, so that all of it moves (``pan``). In the last two only the frames
from the second on count. An object is found where a detection of its class overlaps it by half;
small and medium are COCO's, below 32x32 and 96x96 pixels.

    python benchmarks/look_closer.py build/ssdlite_mobilenet_v2 --images val2017 \
        --annotations annotations/instances_val2017.json

A video is seen as it is, every frame in turn, and counted on the frames that people have labelled
(``video``), then four moments of it in one picture, as a recorder shows cameras (``four``):

    python benchmarks/look_closer.py build/ssdlite_mobilenet_v2 --video vtest.avi \
        --annotations benchmarks/truth/vtest_people.json

There only objects of the one class that was labelled count, and their size is that of their box,
where COCO's is that of their outline. What is mostly hidden is neither missed nor a false alarm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from convert.annotations.coco import read_coco
from device.bundle.bundle import Bundle
from device.cameras.open import open_camera
from device.images import read_image
from device.inference.boxes import MATCH_IOU, Box, area, iou, share_on
from device.inference.closer_engine import CloserEngine
from device.inference.engine import Engine
from device.records import Detection, Frame

WAYS = ("picture", "still", "pan")
SIZES = ("small", "medium", "large")
FRAMES = 10  # of a still or wandering camera
STEP = 2  # pixels a frame
WINDOW = 0.9  # of a picture's sides, that the wandering camera shows
VISIBLE = 0.5  # of an object's area, below which it is not to be found in the window


@dataclass(frozen=True)
class Truth:
    """An object on one frame."""

    label: str
    box: Box
    size: str
    ignored: bool


@dataclass
class Tally:
    """What was found of each size, out of how many; false alarms, frames and times."""

    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))
    there: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))
    alarms: int = 0
    frames: int = 0
    frame_ms: list[float] = field(default_factory=list)

    def count(self, detections: Sequence[Detection], truths: Sequence[Truth]) -> None:
        """Match the detections of a frame, best first, with its objects."""
        self.frames += 1
        left = [truth for truth in truths if not truth.ignored]
        crowds = [truth for truth in truths if truth.ignored]
        for truth in left:
            self.there[truth.size] += 1
        for item in sorted(detections, key=lambda item: -item.score):
            same = [truth for truth in left if truth.label == item.label]
            best = max(same, key=lambda truth: iou(truth.box, item.box), default=None)
            if best is not None and iou(best.box, item.box) >= MATCH_IOU:
                left.remove(best)
                self.found[best.size] += 1
            elif not any(
                crowd.label == item.label and share_on(item.box, crowd.box) >= MATCH_IOU
                for crowd in crowds
            ):
                self.alarms += 1

    def recall(self, size: str) -> float:
        """The share of the objects of a size that were found."""
        return self.found[size] / max(1, self.there[size])


def size_of(pixels: float) -> str:
    """COCO's name for it."""
    return "small" if pixels < 32**2 else "medium" if pixels < 96**2 else "large"


def truths_of(boxes: Sequence, left: int, top: int, width: int, height: int) -> list[Truth]:
    """The objects of a picture that a window of it shows."""
    found = []
    for item in boxes:
        x_min, y_min = item.x - left, item.y - top
        whole = (x_min, y_min, x_min + item.width, y_min + item.height)
        seen = (max(0, whole[0]), max(0, whole[1]), min(width, whole[2]), min(height, whole[3]))
        part = share_on(whole, (0, 0, width, height))
        if part > 0:
            hidden = item.ignored or part < VISIBLE
            found.append(Truth(item.label, seen, size_of(item.area), hidden))
    return found


# A scene's frames as a camera gives them, what is on each, and whether it counts.
Scene = Iterator[tuple[np.ndarray, list[Truth], bool]]


def frames_of(pixels: np.ndarray, boxes: Sequence, way: str, count: int) -> Scene:
    """A picture as a camera sees it in one of the ways."""
    height, width = pixels.shape[:2]
    if way != "pan":
        truths = truths_of(boxes, 0, 0, width, height)
        for number in range(1 if way == "picture" else count):
            yield pixels, truths, way == "picture" or number > 0
        return
    wide, tall = round(width * WINDOW), round(height * WINDOW)
    for number in range(count):
        left = min(width - wide, number * STEP)
        top = min(height - tall, number * STEP // 2)
        view = np.ascontiguousarray(pixels[top : top + tall, left : left + wide])
        yield view, truths_of(boxes, left, top, wide, tall), number > 0


def scenes_of(pictures: Sequence, way: str, count: int) -> Iterator[Scene]:
    """Each picture is a scene with a camera of its own."""
    for picture in pictures:
        yield frames_of(read_image(picture.path), picture.boxes, way, count)


def scene_of(video: Path, truths: dict[int, list[Truth]]) -> Scene:
    """All frames of a video up to the last that was labelled; those that were count."""
    left = dict(truths)
    with open_camera(str(video), (), print) as camera:
        for frame in camera.frames(max(truths) + 1):
            yield frame.pixels, truths.get(frame.index, []), frame.index in truths
            left.pop(frame.index, None)
    if left:
        raise SystemExit(f"{video} ends before frame {min(left)}, which is labelled")


def moved(truth: Truth, across: int, down: int) -> Truth:
    """The object in a larger picture."""
    x_min, y_min, x_max, y_max = truth.box
    box = (x_min + across, y_min + down, x_max + across, y_max + down)
    return replace(truth, box=box)


def four_at_once(video: Path, truths: dict[int, list[Truth]]) -> Scene:
    """Four moments of a video in one picture, twice as wide and high, as a recorder shows cameras.

    The parts begin as far apart as labelled frames do, so that all four are labelled at once.
    """
    numbers = sorted(truths)
    begins = [numbers[part * len(numbers) // 4] - numbers[0] for part in range(4)]
    parts = [scene_of(video, truths) for _ in begins]
    for part, begin in zip(parts, begins, strict=True):
        next(islice(part, begin, begin), None)  # leaves out what comes before
    for views, objects, counts in (zip(*shown, strict=True) for shown in zip(*parts, strict=False)):
        height, width = views[0].shape[:2]
        pixels = np.vstack([np.hstack(views[:2]), np.hstack(views[2:])])
        corners = [(0, 0), (width, 0), (0, height), (width, height)]
        there = [
            moved(truth, *corner)
            for seen, corner in zip(objects, corners, strict=True)
            for truth in seen
        ]
        yield pixels, there, all(counts)


def read_labelled_frames(path: Path) -> tuple[str, dict[int, list[Truth]]]:
    """The class that was labelled, and what is on each labelled frame of a video, by number."""
    labelled = json.loads(path.read_text())
    label = labelled["label"]

    def truth(box: Box, hidden: bool) -> Truth:
        return Truth(label, box, size_of(area(box)), hidden)

    return label, {
        int(number): [truth(box, False) for box in frame["boxes"]]
        + [truth(box, True) for box in frame["hidden"]]
        for number, frame in labelled["frames"].items()
    }


VIDEO_WAYS = {"video": scene_of, "four": four_at_once}


def measure(engine: Engine, scenes: Iterable[Scene]) -> Tally:
    """Have an engine look at all scenes."""
    tally = Tally()
    for scene in scenes:
        camera = engine.share()
        for index, (view, truths, counts) in enumerate(scene):
            frame = Frame(view, index, 0.0)
            started = time.perf_counter()
            result = camera.run(frame)
            if counts:
                tally.frame_ms.append((time.perf_counter() - started) * 1e3)
                tally.count(result.detections, truths)
    return tally


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    seen = parser.add_mutually_exclusive_group(required=True)
    seen.add_argument("--images", type=Path)
    seen.add_argument("--video", type=Path)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--extra", type=int, default=1, help="invokes beside the first of a frame")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each still or wandering one")
    parser.add_argument("--most", type=int, default=10**6, help="pictures, from the first")
    args = parser.parse_args()
    defaults = vars(parser.parse_args([str(args.bundle), "--video=v", "--annotations=a"]))
    if args.video and any(
        vars(args)[name] != defaults[name] for name in ("ways", "frames", "most")
    ):
        parser.error("--ways, --frames and --most are of pictures, not of a video")
    cv2.setNumThreads(1)
    bundle = Bundle(args.bundle)
    if args.video:
        label, truths = read_labelled_frames(args.annotations)
        labels, ways, said = [label], list(VIDEO_WAYS), f"{len(truths)} labelled frames"
    else:
        pictures = read_coco(args.images, args.annotations, print)[: args.most]
        labels, ways, said = [], args.ways.split(","), f"{len(pictures)} pictures"
    print(f"{said}, {args.variant}, threshold {bundle.manifest.threshold}")
    print("way      looks    small  medium  large  alarms/frame  median ms   of the whole's")
    for way in ways:
        before: Tally | None = None
        for extra in (0, args.extra):
            engine = (
                CloserEngine(bundle, args.variant, extra=extra, threads=1)
                if extra
                else Engine(bundle, args.variant, threads=1)
            )
            engine.only(labels)
            tally = measure(
                engine,
                [VIDEO_WAYS[way](args.video, truths)]
                if args.video
                else scenes_of(pictures, way, args.frames),
            )
            ratios = ""
            if before is not None:
                small, medium, large = (
                    tally.recall(size) / max(1e-9, before.recall(size)) for size in SIZES
                )
                alarms = tally.alarms / max(1, before.alarms)
                ratios = f"{small:.2f} {medium:.2f} {large:.2f}, alarms {alarms:.2f}"
            recalls = "  ".join(f"{tally.recall(size):.4f}" for size in SIZES)
            print(
                f"{way:<8} {1 + extra:>5}   {recalls}  {tally.alarms / tally.frames:>10.3f} "
                f"{statistics.median(tally.frame_ms):>10.1f}   {ratios}",
                flush=True,
            )
            before = tally


if __name__ == "__main__":
    main()
