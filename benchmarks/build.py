"""What building four variants costs beside four bare converter calls, in turns in one run.

    python benchmarks/build.py [--rounds N] [--json FILE]

Conversion against conversion. Bare: four times `TFLiteConverter.from_saved_model(...).convert()`
of the network as Keras exports it (the export itself not counted), for float32, float16, dynamic
range and int8 with the same pictures. Ours: from the same network in memory to four files,
freezing it and correcting int8's biases included. Not in the ratio is what a bare call does not
do at all: running each file in every interpreter, comparing it with float32, the samples. What
that takes is told beside it, from one whole `convert build`, and so is its peak of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from convert.calibration.images import CalibrationInputs, calibration_images  # noqa: E402
from convert.models.download import weights_folder  # noqa: E402
from convert.models.zoo import SSDLITE_MOBILENET_V2 as MODEL  # noqa: E402
from convert.output_capture import quiet  # noqa: E402
from convert.quantization.recipe import PRECISIONS, Precision, Recipe  # noqa: E402
from device.commands.argument_types import positive_int  # noqa: E402
from device.system.console import say  # noqa: E402

MOST_OF_BARE = 0.7
MOST_MEMORY_MB = 2500
POLL_S = 0.05
FREEZE = "freeze"  # what both float32 and the others are made of

Seconds = dict[str, float]


@contextmanager
def timed(seconds: Seconds, step: str) -> Iterator[None]:
    """Keep what the block takes."""
    started = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - started


class Conversion:
    """The zoo's network in memory, converted either way."""

    def __init__(self, scratch: Path) -> None:
        from convert.models.ssdlite import INPUT_SIZE, build_ssdlite
        from convert.models.tfjs_weights import load_ssdlite, read_graph_model

        self.scratch = scratch
        self.size_hw = INPUT_SIZE, INPUT_SIZE
        tensors = read_graph_model(weights_folder(MODEL, None)[0])
        self.model = build_ssdlite(91)
        load_ssdlite(self.model, tensors)
        self.model.export(str(scratch / "exported"), verbose=False)
        self.images = calibration_images(None, 100, 0, say)

    def bare(self) -> Seconds:
        """Four calls as TensorFlow's guide shows them."""
        seconds: Seconds = {}
        for precision in PRECISIONS:
            with timed(seconds, precision):
                self._bare_call(precision)
        return seconds

    def _bare_call(self, precision: Precision) -> bytes:
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(str(self.scratch / "exported"))
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            converter.representative_dataset = self._dataset()
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.int8
        data: bytes = converter.convert()
        return data

    def ours(self, number: int) -> Seconds:
        """As `convert build` does; round ``number`` gets a folder of its own."""
        from convert.models.freeze import Frozen
        from convert.quantization.quantize import quantize

        seconds: Seconds = {}
        folder = self.scratch / f"frozen_{number}"
        with timed(seconds, FREEZE):
            Frozen(lambda image: self.model(image, training=False), self.size_hw).save(folder)
        float32 = None
        for precision in PRECISIONS:
            images = len(self.images) if precision == "int8" else 0
            recipe = Recipe(precision=precision, calibration_pictures=images, bias_pictures=images)
            with timed(seconds, precision):
                data = quantize(folder, recipe, self._dataset(), float32)
            float32 = float32 or data
        return seconds

    def _dataset(self) -> Any:
        """The same for both, and new each time: its pictures are yet to be decoded."""
        return CalibrationInputs(MODEL.input, "image").dataset(self.images)


def measure_conversion(rounds: int) -> tuple[list[Seconds], list[Seconds]]:
    """Seconds of each step, bare and ours, in each round; a first of both is thrown away."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        with quiet(debug=False):
            conversion = Conversion(Path(scratch))
        for number in range(rounds + 1):
            with quiet(debug=False):
                bare.append(conversion.bare())
                ours.append(conversion.ours(number))
            if number:
                ratio = sum(ours[-1].values()) / sum(bare[-1].values())
                say(f"round {number} of {rounds}: {ratio:.2f} of four bare calls")
            else:
                say("warmed up")
    return bare[1:], ours[1:]


def measure_build() -> dict[str, float]:
    """One whole `convert build` in a process of its own: seconds, and peak memory in 10^6 bytes."""
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        started = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "convert", "build", "--out", f"{scratch}/bundle"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        peak = Peak(child.pid)
        assert child.stderr is not None
        said = [(time.perf_counter(), line.strip()) for line in child.stderr]
        child.wait()
        wall_s = time.perf_counter() - started
    if child.returncode != 0:
        raise SystemExit(f"convert build failed: {said[-1][1]}")
    moments = {line.split()[0]: moment for moment, line in said if line}
    steps = re.findall(r"converted in ([\d.]+) s", "\n".join(line for _, line in said))
    return {
        "wall_s": round(wall_s, 1),
        "converted_s": round(sum(map(float, steps)), 1),
        "checked_s": round(moments["checked"] - moments["checking"], 1),
        "peak_mb": round(peak.mb()),
    }


class Peak:
    """The most memory that a session's processes were resident with, all together."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._most_bytes = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def mb(self) -> float:
        """In 10^6 bytes, once all of them have ended."""
        self._thread.join()
        return self._most_bytes / 1e6

    def _watch(self) -> None:
        while resident := self._resident_bytes():
            self._most_bytes = max(self._most_bytes, resident)
            time.sleep(POLL_S)

    def _resident_bytes(self) -> int:
        total = 0
        for process in Path("/proc").glob("[0-9]*"):
            try:
                # After the name, which may hold anything: state, parent, group, session, ...
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # gone meanwhile
                continue
            if int(fields[3]) == self._session and fields[0] != "Z":
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        return total


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=positive_int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    bare, ours = measure_conversion(args.rounds)
    ratios = sorted(sum(b.values()) / sum(a.values()) for a, b in zip(bare, ours, strict=True))
    ratio = statistics.median(ratios)
    whole = measure_build()
    medians = {
        side: {step: statistics.median(item[step] for item in rounds) for step in rounds[0]}
        for side, rounds in (("bare", bare), ("ours", ours))
    }
    print("seconds (median)      bare   ours")
    for step in (FREEZE, *PRECISIONS):
        told = f"{medians['bare'][step]:6.2f}" if step in medians["bare"] else "     -"
        print(f"{step:<20}{told} {medians['ours'][step]:6.2f}")
    print(
        f"conversion: {ratio:.2f} of four bare calls ({ratios[0]:.2f} to {ratios[-1]:.2f} in "
        f"{args.rounds} rounds), at most {MOST_OF_BARE} is wanted: "
        f"{'reached' if ratio <= MOST_OF_BARE else 'missed'}"
    )
    print(
        f"a whole build: {whole['wall_s']} s, {whole['converted_s']} s of it conversion and "
        f"{whole['checked_s']} s checks in every interpreter"
    )
    print(
        f"its peak memory, all processes together: {whole['peak_mb']:.0f} MB, less than "
        f"{MOST_MEMORY_MB} is wanted: "
        f"{'reached' if whole['peak_mb'] < MOST_MEMORY_MB else 'missed'}"
    )
    if args.json is not None:
        found = {
            "date": date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "rounds": args.rounds,
            "ratio": round(ratio, 3),
            "ratios": [round(item, 3) for item in ratios],
            "seconds": {
                side: {step: round(value, 2) for step, value in steps.items()}
                for side, steps in medians.items()
            },
            "build": whole,
        }
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
