"""What float16 loses where it computes in half precision, as on a Raspberry Pi 5.

    python benchmarks/half_precision.py BUNDLE --images DIR --annotations PATH [--json FILE]

The float16 variant is marked so that XNNPACK computes in float16 on processors that can, which
no x86 laptop does. So it is run on an emulated Cortex-A76, picture by picture, and measured as
`convert evaluate` measures, beside float32 and float16 on this machine: arithmetic in float32 is
the same everywhere but for the order of sums, which the first picture proves. What is computed is
what such a processor computes; how long it takes says nothing, and is not reported.

A picture takes about 20 s of one core. Answers are kept in build/half_precision: a run that was
ended is taken up there, and one with a larger --limit goes on from it. What must be installed, the
first error says.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from convert.annotations.read import read_annotations  # noqa: E402
from convert.arm.emulator import Emulator, emulator  # noqa: E402
from convert.arm.root import arm_root, root_versions  # noqa: E402
from convert.build.parity import compare  # noqa: E402
from convert.evaluation.bootstrap import draw_weights  # noqa: E402
from convert.evaluation.evaluate import SCORE_THRESHOLD, precision_figures  # noqa: E402
from convert.evaluation.predict import Panel, Predictions, as_array, predict  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402
from device.bundle.heads import TensorSpec  # noqa: E402
from device.images import read_image  # noqa: E402
from device.inference.decode import make_decoder  # noqa: E402
from device.inference.engine import in_source, name_detections  # noqa: E402
from device.inference.preprocess import Placement, Preprocessor  # noqa: E402
from device.records import Result, Tensor, Timings  # noqa: E402

CPU = "cortex-a76"
PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
KEPT_IN = ROOT / "build" / "half_precision"
GUEST = Path(__file__).with_name("emulated_invoke.py")
PIECE = 4  # pictures a process
TIMEOUT_S = 3600.0  # for each; a busy machine is no reason to give up


def emulate(
    machines: Sequence[Emulator], model: Path, inputs: Path, count: int, interpreter: str
) -> list[Tensor]:
    """Outputs of ``model`` on the first ``count`` pictures of ``inputs``, (count, ...) each.

    What was computed before is read from ``KEPT_IN``.
    """
    key = hashlib.sha256(model.read_bytes() + interpreter.encode())
    folder = KEPT_IN / key.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    pieces = [(first, min(first + PIECE, count)) for first in range(0, count, PIECE)]
    images = np.load(inputs, mmap_mode="r")
    files = [
        folder / f"{hashlib.sha256(images[first:last].tobytes()).hexdigest()[:16]}.npz"
        for first, last in pieces
    ]
    todo = [pair for pair in zip(pieces, files, strict=True) if not pair[1].exists()]
    with tqdm(total=len(pieces), initial=len(pieces) - len(todo), unit="piece") as bar:

        async def serve(machine: Emulator) -> None:
            work = machine.disk / "desk"
            shutil.copy(GUEST, work / "guest.py")
            for name, path in (("model.tflite", model), ("inputs.npy", inputs)):
                (work / name).unlink(missing_ok=True)
                (work / name).symlink_to(path.resolve())
            while todo:
                (work / "outputs.npz").touch()  # a file that is not there it would make elsewhere
                (first, last), file = todo.pop(0)
                await machine.run(
                    "/usr/bin/python3.11", "/desk/guest.py", interpreter, str(first), str(last),
                    timeout_s=TIMEOUT_S, hear=lambda _: None,
                )  # fmt: skip
                shutil.move(work / "outputs.npz", file)
                bar.update()

        async def serve_all() -> None:
            async with asyncio.TaskGroup() as group:
                for machine in machines:
                    group.create_task(serve(machine))

        asyncio.run(serve_all())
    parts = []
    for file in files:
        with np.load(file) as arrays:
            parts.append(list(arrays.values()))
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def invoke_here(model: Path, inputs: Path) -> list[Tensor]:
    """Outputs of ``model`` on all of ``inputs`` in this machine's LiteRT, (pictures, ...) each."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model))
    interpreter.allocate_tensors()
    (details,) = interpreter.get_input_details()
    positions = [item["index"] for item in interpreter.get_output_details()]
    answers: list[list[Tensor]] = []
    for image in np.load(inputs, mmap_mode="r"):
        interpreter.set_tensor(details["index"], image[np.newaxis])
        interpreter.invoke()
        answers.append([interpreter.get_tensor(position) for position in positions])
    return [np.concatenate(values) for values in zip(*answers, strict=True)]


def prepare(bundle: Bundle, paths: Sequence[Path], file: Path) -> list[tuple[int, int]]:
    """Preprocess ``paths`` into ``file``, as the device does; returns (width, height) of each."""
    rule = bundle.manifest.input
    spec = TensorSpec(position=0, shape=(1, rule.height, rule.width, 3), dtype="float32")
    preprocess = Preprocessor(rule, spec)
    inputs = np.lib.format.open_memmap(
        file, "w+", np.float32, (len(paths), rule.height, rule.width, 3)
    )
    sizes = []
    for number, path in enumerate(paths):
        pixels = read_image(path)
        preprocess(pixels, inputs[number : number + 1])
        sizes.append((pixels.shape[1], pixels.shape[0]))
    inputs.flush()
    return sizes


def decode(
    bundle: Bundle, variant: str, outputs: Sequence[Tensor], sizes: Sequence[tuple[int, int]]
) -> list[Predictions]:
    """What the device's decoder makes of ``outputs``, picture by picture."""
    manifest = bundle.manifest
    decoder = make_decoder(
        bundle.variant(variant).heads, manifest.decoder, bundle.anchors, manifest.input.size_wh
    )
    found = []
    for number, size_wh in enumerate(sizes):
        candidates = decoder(
            [values[number] for values in outputs], SCORE_THRESHOLD, manifest.max_detections
        )
        placement = Placement.of(manifest.input, size_wh)
        detections = name_detections(in_source(candidates, placement), bundle.labels)
        found.append(as_array(Result(number, detections, Timings(0, 0, 0, 0))))
    return found


def without_mark(model: Path, scratch: Path) -> Path:
    """A copy of ``model`` that XNNPACK does not take for one to compute in half precision."""
    name = b"reduced_precision_support"
    data = model.read_bytes()
    if name not in data:
        raise SystemExit(f"{model} does not allow arithmetic in half precision")
    copy = scratch / "unmarked.tflite"
    copy.write_bytes(data.replace(name, b"x" * len(name)))
    return copy


def measure(args: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Do it all; returns the figures."""
    bundle = Bundle(args.bundle)
    truth = read_annotations([(args.images, args.annotations)], bundle.labels, print)
    image_ids = list(truth.images)[: args.limit]
    paths = [truth.images[image_id].path for image_id in image_ids]
    inputs = scratch / "inputs.npy"
    sizes = prepare(bundle, paths, inputs)
    models = {name: bundle.file(bundle.variant(name).file) for name in ("float32", "float16")}

    unmarked = without_mark(models["float16"], scratch)
    plain = invoke_here(models["float32"], inputs)
    root, cores = arm_root(), len(os.sched_getaffinity(0))
    version = root_versions(root)[PACKAGES[args.interpreter]]
    with contextlib.ExitStack() as stack:
        machines = [stack.enter_context(emulator(root, CPU)) for _ in range(cores)]
        emulated, unlike = (
            emulate(machines, model, inputs, 1, args.interpreter)
            for model in (models["float32"], unmarked)
        )
        outputs = emulate(machines, models["float16"], inputs, len(paths), args.interpreter)
    if not all(np.allclose(a[0], b[0], atol=1e-3) for a, b in zip(emulated, plain, strict=True)):
        raise SystemExit("float32 is not computed on the emulated processor as it is here")
    if all(np.array_equal(a[0], b[0]) for a, b in zip(unlike, outputs, strict=True)):
        raise SystemExit("the emulated processor did not compute in half precision")
    likeness = compare(*({str(k): v for k, v in enumerate(values)} for values in (outputs, plain)))
    here = predict(Panel(args.bundle, tuple(models), "litert", SCORE_THRESHOLD), paths)
    findings = {name: [item[name] for item in here if isinstance(item, dict)] for name in models}
    findings["float16 in half precision"] = decode(bundle, "float16", outputs, sizes)
    figures = precision_figures(
        truth, image_ids, findings, bundle.labels, draw_weights(len(paths), seed=0)
    )
    return {
        "model": bundle.manifest.model,
        "processor": f"{CPU}, emulated",
        "interpreter": f"{args.interpreter} {version}",
        "images": len(paths),
        "cosine": round(likeness.cosine, 6),
        "error_p99": round(likeness.error_p99, 5),
        "error_max": round(likeness.error_max, 5),
        "variants": {
            name: {
                "map": item.map,
                "map_50": item.map_50,
                "drop": item.drop,
                "drop_interval": item.drop_interval,
            }
            for name, item in figures.items()
        },
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--annotations", type=Path, required=True, metavar="PATH")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pictures")
    parser.add_argument("--interpreter", choices=tuple(PACKAGES), default="litert")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="half-precision-") as scratch:
        figures = measure(args, Path(scratch))
    told = json.dumps(figures, indent=1)
    print(told)
    if args.json is not None:
        args.json.write_text(told + "\n")


if __name__ == "__main__":
    main()
