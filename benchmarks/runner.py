"""What the runner costs beside the bare interpreter: ratios, taken in turns in one run.

    python benchmarks/runner.py BUNDLE [--json FILE]

Everything is compared with something measured a moment before on the same machine, so that a
busy or slow one changes both. Run it on a quiet one all the same.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from device.bundle.bundle import Bundle  # noqa: E402
from device.cameras.base import Camera, Shot  # noqa: E402
from device.cameras.open import open_camera  # noqa: E402
from device.drawing.annotate import draw  # noqa: E402
from device.errors import LiteberryError  # noqa: E402
from device.images import read_image  # noqa: E402
from device.inference.engine import Engine  # noqa: E402
from device.outputs.base import ImageSink  # noqa: E402
from device.outputs.logs import JsonlLog  # noqa: E402
from device.pipeline.pipeline import Pipeline  # noqa: E402
from device.records import Outcome, Pixels  # noqa: E402
from device.system.resource_usage import rss_mb  # noqa: E402

SHARED = ROOT.parent / "shared" / "data"
VIDEO = SHARED / "videos" / "vtest.avi"
POPULAR_MODEL = SHARED / "models" / "coco_ssd_mobilenet_v1_quant.tflite"
ROUNDS = 7
GROWTH_FRAMES = 20_000

# What a first script does: imports, one picture, one invoke.
BARE_START = """
import sys
import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
picture = cv2.imread(sys.argv[2])
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
details = interpreter.get_input_details()[0]
small = cv2.cvtColor(cv2.resize(picture, (300, 300)), cv2.COLOR_BGR2RGB)
interpreter.set_tensor(details["index"], small[np.newaxis].astype(details["dtype"]))
interpreter.invoke()
[interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()]
"""


class Drawn(ImageSink):
    """Wants its picture drawn, and leaves it at that."""

    def write(self, outcome: Outcome) -> None:
        """Take a drawn picture."""

    def close(self) -> None:
        """Nothing is held."""


def source(bundle: Bundle) -> Camera:
    """The video, or the demo where it is missing."""
    if VIDEO.exists():
        return open_camera(str(VIDEO), [], print)
    samples = [bundle.file(sample.file) for sample in bundle.manifest.samples]
    return open_camera("demo", samples, print)


def bare_fps(engine: Engine, frames: int) -> float:
    """Frames per second of the interpreter alone."""
    started = time.perf_counter()
    for _ in range(frames):
        engine.interpreter.invoke()
    return frames / (time.perf_counter() - started)


def whole_fps(bundle: Bundle, engine: Engine, frames: int, log: Path) -> float:
    """Frames per second from a video to drawn pictures and a log."""
    with source(bundle) as camera, JsonlLog(log) as lines:
        pipeline = Pipeline(camera, engine, [lines, Drawn()])
        pipeline.run(frames, threading.Event())
    return pipeline.rate.fps


def end_to_end(bundle: Bundle, variant: str, log: Path) -> float:
    """Whole over bare, median of the rounds."""
    frames = 300 if variant == "int8" else 150
    with Engine(bundle, variant, threads=1) as engine:
        bare_fps(engine, 30)
        ratios = []
        for _ in range(ROUNDS):
            before = bare_fps(engine, frames)
            whole = whole_fps(bundle, engine, frames, log)
            after = bare_fps(engine, frames)
            ratios.append(whole / statistics.mean((before, after)))
    return statistics.median(ratios)


def around_invoke(bundle: Bundle) -> float:
    """Preprocess, decode and draw of a frame over its int8 invoke, as the pipeline has them.

    A thread each: one captures and preprocesses, one invokes, one decodes and draws.
    """
    with Engine(bundle, "int8", threads=1) as engine, source(bundle) as camera:
        bare_fps(engine, 30)
        tensor = engine.new_input()
        prepare_ms, find_ms, frames = [], [], []
        for frame in camera.frames(100):
            started = time.perf_counter()
            placement = engine.prepare(frame, tensor)
            prepare_ms.append((time.perf_counter() - started) * 1e3)
            frames.append((frame, placement, engine.invoke(tensor)))
        invoke_ms = 1e3 / bare_fps(engine, 300)
        for frame, placement, outputs in frames:
            started = time.perf_counter()
            detections, _ = engine.find(outputs, placement)
            draw(frame.pixels, detections, "FPS")
            find_ms.append((time.perf_counter() - started) * 1e3)
    return (statistics.median(prepare_ms) + statistics.median(find_ms)) / invoke_ms


def around_invoke_in_turn(bundle: Bundle) -> float:
    """The same with everything on one core: the caches are the network's each time."""
    with Engine(bundle, "int8", threads=1) as engine, source(bundle) as camera:
        shares = []
        for frame in camera.frames(200):
            result = engine.run(frame)
            started = time.perf_counter()
            draw(frame.pixels, result.detections, "FPS")
            draw_ms = (time.perf_counter() - started) * 1e3
            timings = result.timings
            around_ms = timings.preprocess_ms + timings.decode_ms + draw_ms
            shares.append(around_ms / timings.invoke_ms)
    return statistics.median(shares)


def detect(*arguments: object) -> str:
    """Run ``device detect`` as users do; its standard output."""
    command = [sys.executable, "-m", "device", "detect", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    return done.stdout


def resident(bundle: Bundle, log: Path) -> tuple[float, float]:
    """Resident megabytes in the middle of a headless run with a log, and its peak."""
    log.unlink(missing_ok=True)
    name = VIDEO if VIDEO.exists() else "demo"
    out = detect(bundle.folder, "--source", name, "--frames", 600, "--threads", 1, "--log", log)
    used = [json.loads(line)["rss_mb"] for line in log.read_text().splitlines()[100:]]
    return statistics.median(used), float(out.split("peak memory ")[1].split(" MB")[0])


def growth(bundle: Bundle) -> float:
    """Megabytes that a run gains from its 1,000th to its 20,000th frame."""
    images = [read_image(bundle.file(sample.file)) for sample in bundle.manifest.samples]
    smaller = [cv2.resize(image, (768, 576)) for image in images]
    used: dict[int, float] = {}

    class Turning(Camera):
        """The samples for ever, each frame a picture of its own."""

        def __init__(self) -> None:
            self._images: Iterator[Pixels] = itertools.cycle(smaller)

        def _read(self) -> Shot | None:
            return Shot(np.asarray(next(self._images).copy(), np.uint8))

    def watch(pipeline: Pipeline) -> None:
        if pipeline.rate.stamps in (1_000, GROWTH_FRAMES):
            used[pipeline.rate.stamps] = rss_mb()

    with Engine(bundle, "int8", threads=1) as engine, JsonlLog(Path(os.devnull)) as log:
        Pipeline(Turning(), engine, [log]).run(GROWTH_FRAMES, threading.Event(), watch)
    return used[GROWTH_FRAMES] - used[1_000]


@functools.cache
def start_up(bundle: Bundle) -> tuple[float, float]:
    """`detect` of one picture from cold over a bare script: wall time, and processor time.

    Both with one thread, one after the other in turns; the medians of the pairs' ratios.
    """
    image = bundle.file(bundle.manifest.samples[0].file)
    model = bundle.file(bundle.variant("int8").file)
    bare = [sys.executable, "-c", BARE_START, str(model), str(image)]
    ours = [sys.executable, "-m", "device", "detect", str(bundle.folder)]
    ours += ["--source", str(image), "--threads", "1"]
    # Where Python may not keep what it compiled, every start would compile it again.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    wall, processor = [], []
    for number in range(2 * ROUNDS + 1):
        took, worked = [], []
        for command in (bare, ours):
            before, started = _children_s(), time.perf_counter()
            subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=environment)
            took.append(time.perf_counter() - started)
            worked.append(_children_s() - before)
        if number:  # the first compiles, and fills the cache of files
            wall.append(took[1] / took[0])
            processor.append(worked[1] / worked[0])
    return statistics.median(wall), statistics.median(processor)


def _children_s() -> float:
    """Seconds of processor time that ended children have taken so far."""
    times = os.times()
    return times.children_user + times.children_system


def tutorial_fps(model: Path, video: Path, frames: int) -> float:
    """The loop that people paste: one thing after the other, in the old interpreter."""
    from tflite_runtime.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    outputs = [item["index"] for item in interpreter.get_output_details()]
    _, height, width, _ = details["shape"]
    capture = cv2.VideoCapture(str(video))
    started = time.perf_counter()
    for _ in range(frames):
        _, image = capture.read()
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (width, height))
        interpreter.set_tensor(details["index"], small[np.newaxis])
        interpreter.invoke()
        boxes, _, scores, _ = (interpreter.get_tensor(index)[0] for index in outputs[:4])
        for box, score in zip(boxes, scores, strict=True):
            if score > 0.5:
                top, left, bottom, right = box
                corners = (int(left * 768), int(top * 576)), (int(right * 768), int(bottom * 576))
                cv2.rectangle(image, *corners, (10, 255, 0), 2)
    elapsed_s = time.perf_counter() - started
    capture.release()
    return frames / elapsed_s


def against_tutorial(log: Path) -> float | None:
    """FPS of the same model in this project over the tutorial's loop."""
    if not (POPULAR_MODEL.exists() and VIDEO.exists()):
        return None
    ratios = []
    for _ in range(3):
        theirs = tutorial_fps(POPULAR_MODEL, VIDEO, 40)
        labels = POPULAR_MODEL.with_suffix(".txt")
        out = detect(
            POPULAR_MODEL, "--labels", labels, "--source", VIDEO, "--threads", 1,
            "--frames", 400, "--log", log,
        )  # fmt: skip
        ratios.append(float(out.split(" frames, ")[1].split(" FPS")[0]) / theirs)
    return statistics.median(ratios)


def tutorial_on_arm() -> str:
    """What both interpreters execute on a Pi's processor: another machine, another ratio."""
    from convert.arm.count import count_invoke

    told = []
    for cpu, board in (("cortex-a72", "Pi 4"), ("cortex-a76", "Pi 5")):
        ours, theirs = (
            count_invoke(POPULAR_MODEL, cpu, name) / 1e6 for name in ("litert", "tflite-runtime")
        )
        told.append(f"{ours:.0f} against {theirs:.0f} million on a {board}'s processor")
    return "; ".join(told)


def main() -> int:
    """Measure, print, and exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--only", metavar="TEXT", help="only the lines that contain TEXT")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    bundle = Bundle(args.bundle)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.jsonl"
        lines = (
            ("int8: end to end over bare invoke, FPS", ">=", 0.95,
             lambda: end_to_end(bundle, "int8", log)),
            ("float32: end to end over bare invoke, FPS", ">=", 0.97,
             lambda: end_to_end(bundle, "float32", log)),
            ("int8: preprocess, decode and draw over invoke", "<=", 0.12,
             lambda: around_invoke(bundle)),
            ("the same, all on one core", "", 0, lambda: around_invoke_in_turn(bundle)),
            ("headless with a log: resident, MB", "<=", 100, lambda: resident(bundle, log)[0]),
            ("headless with a log: peak, MB", "<=", 100, lambda: resident(bundle, log)[1]),
            (f"growth from frame 1,000 to {GROWTH_FRAMES:,}, MB", "<=", 1, lambda: growth(bundle)),
            ("one picture from cold over a bare script, time", "<=", 1.5,
             lambda: start_up(bundle)[0]),
            ("one picture from cold: the same, processor time", "", 0,
             lambda: start_up(bundle)[1]),
            ("a tutorial's loop with its model, FPS ratio", ">=", 8,
             lambda: against_tutorial(log)),
        )  # fmt: skip
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
        found = {}
        for title, sign, target, measure in lines:
            if args.only and args.only not in title:
                continue
            value = measure()
            if value is None:
                print(f"  {title:<50} its video and model are not here")
                continue
            if not sign:  # told, for comparison
                found[title] = {"value": round(value, 4), "met": True}
                print(f"  {title:<50}{value:8.2f}", flush=True)
                continue
            met = value >= target if sign == ">=" else value <= target
            found[title] = {"value": round(value, 4), "target": f"{sign} {target}", "met": met}
            verdict = "" if met else "MISSED"
            print(f"  {title:<50}{value:8.2f}  {sign} {target:<5} {verdict}", flush=True)
        if POPULAR_MODEL.exists() and (args.only or "tutorial") in lines[-1][0]:
            print(
                "  that is x86-64. Arm instructions of its invoke, LiteRT against tflite-runtime:"
            )
            try:
                print(f"  {tutorial_on_arm()}")
            except LiteberryError as exc:
                print(f"  not counted here: {exc}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(item["met"] for item in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
