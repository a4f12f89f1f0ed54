"""What NNCF's accuracy-aware int8 in OpenVINO loses and costs, beside `convert tune`'s .tflite.

    python benchmarks/nncf_comparison.py BUNDLE --images DIR --annotations PATH [--tuned BUNDLE]
        [--max-drop POINTS] [--seed N] [--keep DIR] [--json FILE]
    python benchmarks/nncf_comparison.py BUNDLE --only-times --keep DIR

Both begin from BUNDLE's float32.tflite and are judged by the same code on the same pictures, pooled
and split as ``convert tune`` splits them: what one half chose is measured on the other. ``--tuned``
is a bundle that ``convert tune`` has added its variant to. Times are of one thread, all models in
turn, as ratios to BUNDLE's int8 in LiteRT. No lock has NNCF; it wants an environment of its own:

    pip install nncf openvino ai-edge-litert msgspec tqdm pycocotools 'opencv-python-headless<5'
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import nncf  # noqa: E402
import openvino  # noqa: E402

from convert.annotations.read import read_annotations  # noqa: E402
from convert.evaluation.bootstrap import in_resamples  # noqa: E402
from convert.evaluation.coco_map import mean_average_precision  # noqa: E402
from convert.evaluation.evaluate import SCORE_THRESHOLD, coco_rows  # noqa: E402
from convert.evaluation.predict import Predictions, as_array  # noqa: E402
from convert.tuning.evaluator import Evaluator, Judged  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402
from device.images import read_image  # noqa: E402
from device.inference.engine import Engine  # noqa: E402
from device.inference.interpreter import Interpreter  # noqa: E402
from device.inference.openvino_runtime import SETTINGS  # noqa: E402
from device.records import Frame, Tensor  # noqa: E402

CALIBRATED_ON = 24  # as in convert.tuning.half_search, which would import ai-edge-quantizer
ROUNDS, INVOKES = 15, 20
NETWORKS = "nncf1", "nncf2"  # by each half


class CompiledNetwork:
    """A network of OpenVINO where an engine has its interpreter."""

    def __init__(self, compiled: openvino.CompiledModel, like: Interpreter) -> None:
        self.of = compiled
        self._request = compiled.create_infer_request()
        self.input, self.outputs = like.input, like.outputs

    def input_tensor(self) -> Tensor:
        """The input, to be written in place."""
        view: Tensor = self._request.get_input_tensor(0).data
        return view

    def invoke(self) -> None:
        """Run the network on what the input holds."""
        self._request.infer()

    def output_tensors(self) -> Sequence[Tensor]:
        """All outputs, in the order of the `.tflite` that the network was read from."""
        return [self._request.get_output_tensor(place).data for place in range(len(self.outputs))]


class Comparison:
    """The pictures, and networks of OpenVINO looked at as ``convert tune`` looks at candidates."""

    def __init__(
        self, bundle: Bundle, sets: Sequence[tuple[Path, Path]], scratch: Path, seed: int
    ) -> None:
        self.bundle, self.seed = bundle, seed
        self.evaluator = Evaluator(bundle, sets, scratch, print)
        self.float32 = bundle.file(bundle.variant("float32").file)
        self.engine = Engine(
            bundle, "float32", interpreter="litert", threads=1, threshold=SCORE_THRESHOLD
        )
        self._like = self.engine.interpreter
        self._network: CompiledNetwork | None = None
        self.truth = read_annotations(list(sets), bundle.labels, print)
        if len(self.truth.images) != len(self.evaluator.paths):
            sys.exit("pictures that cannot be read: leave them out of the annotations")
        self.validations = 0
        order = list(range(len(self.evaluator.paths)))
        random.Random(seed).shuffle(order)  # as Tuner.run does
        self.halves = sorted(order[: len(order) // 2]), sorted(order[len(order) // 2 :])

    def input_of(self, position: int) -> Tensor:
        """The network's input for the picture at ``position``."""
        pixels = read_image(self.evaluator.paths[position])
        tensor = self.engine.new_input()
        self.engine.prepare(Frame(pixels, position, time.monotonic(), 0.0, ""), tensor)
        return tensor

    def _find(self, compiled: openvino.CompiledModel, position: int) -> Predictions:
        if self._network is None or self._network.of is not compiled:
            self._network = CompiledNetwork(compiled, self._like)
            self.engine.interpreter = self._network  # type: ignore[assignment]
        pixels = read_image(self.evaluator.paths[position])
        return as_array(self.engine.run(Frame(pixels, position, time.monotonic(), 0.0, "")))

    def look(self, compiled: openvino.CompiledModel) -> Judged:
        """What a network finds on all pictures."""
        count = len(self.evaluator.paths)
        return self.evaluator.judge([self._find(compiled, position) for position in range(count)])

    def validate(
        self, compiled: openvino.CompiledModel, positions: Iterable[int]
    ) -> tuple[float, None]:
        """NNCF's validation: mAP, 0..1, on the pictures at ``positions``."""
        chosen = [int(position) for position in positions]
        self.validations += len(chosen) > 1  # it also asks for each picture alone
        found = [self._find(compiled, position) for position in chosen]
        ids = [position + 1 for position in chosen]
        rows = coco_rows(self.truth, ids, found, self.bundle.labels)
        return mean_average_precision(self.truth, rows, ids).map, None

    def quantise(self, number: int, max_drop: float) -> openvino.Model:
        """int8 by the half ``number``: 24 of its pictures calibrate, all of it validates."""
        seen = self.halves[number]
        calibrating = random.Random(self.seed + number).sample(seen, CALIBRATED_ON)
        return nncf.quantize_with_accuracy_control(
            openvino.Core().read_model(self.float32),
            calibration_dataset=nncf.Dataset(calibrating, self.input_of),
            validation_dataset=nncf.Dataset(seen, self.input_of),
            validation_fn=self.validate,
            max_drop=max_drop / 100,
            drop_type=nncf.DropType.ABSOLUTE,
            subset_size=CALIBRATED_ON,
        )


def compiled(model: openvino.Model | Path) -> openvino.CompiledModel:
    """As a run compiles it (:mod:`device.inference.openvino_runtime`), for one thread."""
    core = openvino.Core()
    return core.compile_model(model, "CPU", {**SETTINGS, "INFERENCE_NUM_THREADS": "1"})


def invoke_ratios(invokes: dict[str, Callable[[], object]], base: str) -> dict[str, float]:
    """Median time of each relative to ``base``'s of the same round, all in turn."""
    for invoke in invokes.values():
        invoke()
    ratios: dict[str, list[float]] = {name: [] for name in invokes}
    for _ in range(ROUNDS):
        taken = {}
        for name, invoke in invokes.items():
            times = []
            for _ in range(INVOKES):
                started = time.perf_counter()
                invoke()
                times.append(time.perf_counter() - started)
            taken[name] = statistics.median(times)
        for name, seconds in taken.items():
            ratios[name].append(seconds / taken[base])
        base_ms = taken[base] * 1e3
    print(f"{base} took {base_ms:.2f} ms in the last round", flush=True)
    return {name: statistics.median(values) for name, values in ratios.items()}


def judge(args: argparse.Namespace, folder: Path, scratch: Path) -> dict[str, Any]:
    """Quantise by each half into ``folder``, and judge on the other."""
    bundle = Bundle(args.bundle)
    sets = list(zip(args.images, args.annotations, strict=True))
    comparison = Comparison(bundle, sets, scratch, args.seed)
    evaluator = comparison.evaluator
    print(f"{len(evaluator.paths)} pictures, float32 scores {evaluator.score:.2f}", flush=True)
    parts, drops, minutes = [], {}, 0.0
    for number, unseen in enumerate(reversed(comparison.halves)):
        comparison.validations = 0
        started, started_cpu = time.monotonic(), time.process_time()
        model = comparison.quantise(number, args.max_drop)
        took = (time.monotonic() - started) / 60
        worked = (time.process_time() - started_cpu) / 60
        minutes += took
        name = NETWORKS[number]
        openvino.save_model(model, folder / f"{name}.xml", compress_to_fp16=False)
        parts.append((comparison.look(compiled(folder / f"{name}.xml")), unseen))
        drops[name] = evaluator.drop(parts[-1][0])
        size = (folder / f"{name}.bin").stat().st_size
        print(
            f"half {number + 1}: {took:.1f} min ({worked:.1f} of one core), "
            f"{comparison.validations} validations, {size / 1e6:.2f} MB; "
            f"loses {drops[name]:.2f} points on all pictures",
            flush=True,
        )
    joined = evaluator.joined(parts)
    drop, (interval, _) = evaluator.drop(joined), evaluator.spread(joined, args.seed)
    print(
        f"NNCF loses {drop:.2f} points{in_resamples(interval)} on pictures that each half "
        f"had not seen, in {minutes:.1f} minutes",
        flush=True,
    )
    models = {name: path.read_bytes() for name, path in tflite_files(args).items()}
    for name, looks in evaluator.look(models).items():
        drops[name] = evaluator.drop(looks)
        spread, _ = evaluator.spread(looks, args.seed)
        print(f"{name} in LiteRT loses {drops[name]:.2f}{in_resamples(spread)}")
    return {
        "unseen_drop_points": drop,
        "interval": interval,
        "minutes": minutes,
        "drop_points": drops,
    }


def tflite_files(args: argparse.Namespace) -> dict[str, Path]:
    """The files of int8 that NNCF's networks are compared with."""
    pairs = [(args.bundle, "int8")] + ([(args.tuned, "tuned")] if args.tuned else [])
    bundles = [(Bundle(folder), name) for folder, name in pairs]
    return {name: bundle.file(bundle.variant(name).file) for bundle, name in bundles}


def times(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """What an invoke takes in each interpreter, as ratios to int8 in LiteRT."""
    bundle = Bundle(args.bundle)
    files = {"float32": bundle.file(bundle.variant("float32").file), **tflite_files(args)}
    loaded = {name: Interpreter("litert", path, 1) for name, path in files.items()}
    invokes: dict[str, Callable[[], object]] = {
        f"{name} in LiteRT": interpreter.invoke for name, interpreter in loaded.items()
    }
    for name, path in {**files, **{name: folder / f"{name}.xml" for name in NETWORKS}}.items():
        network = CompiledNetwork(compiled(path), loaded["float32"])
        invokes[f"{name} in OpenVINO"] = network.invoke
    ratios = invoke_ratios(invokes, "int8 in LiteRT")
    for name, ratio in ratios.items():
        print(f"{name:20} {ratio:.2f} times int8's time in LiteRT")
    return ratios


def main() -> None:
    """Measure, print, and write ``--json``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--images", type=Path, action="append", metavar="DIR")
    parser.add_argument("--annotations", type=Path, action="append", metavar="PATH")
    parser.add_argument("--tuned", type=Path, metavar="BUNDLE")
    parser.add_argument("--max-drop", type=float, default=0.2, metavar="POINTS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep NNCF's networks there")
    parser.add_argument(
        "--only-times", action="store_true", help="of the networks that --keep has left"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    if (args.only_times and not args.keep) or (not args.only_times and not args.images):
        parser.error("give --images and --annotations, or --only-times and --keep")
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        figures = {} if args.only_times else judge(args, folder, Path(scratch))
        figures["invoke"] = times(args, folder)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
