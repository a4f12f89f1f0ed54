"""LiteRT's CompiledModel beside its Interpreter: why the runner uses the latter.

    python benchmarks/compiled_model.py BUNDLE

Each row is a process of its own, taken in turns; times are medians of all rounds, as ratios to
the Interpreter's with the same threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
WAYS = ("interpreter", "compiled", "compiled, YNNPACK", "compiled, weight cache")


def measure(way: str, model: str, cache: str) -> dict[str, float]:
    """Load and time ``way``: seconds to load and first invoke, milliseconds, megabytes."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from device.system.resource_usage import rss_mb

    image = np.random.default_rng(0)
    started = time.perf_counter()
    if way == "interpreter":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=model, num_threads=1)
        interpreter.allocate_tensors()
        details = interpreter.get_input_details()[0]
        view = interpreter.tensor(details["index"])
        outputs = [interpreter.tensor(item["index"]) for item in interpreter.get_output_details()]
        frame = image.integers(0, 127, details["shape"]).astype(details["dtype"])

        def invoke() -> None:
            np.copyto(view(), frame)
            interpreter.invoke()
            for output in outputs:
                output().copy()
    else:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.cpu_options import CpuOptions
        from ai_edge_litert.options import Options

        cpu = CpuOptions(
            num_threads=1,
            enable_ynnpack="YNNPACK" in way,
            xnnpack_weight_cache_path=cache if "cache" in way else "",
        )
        compiled = CompiledModel.from_file(model, options=Options(cpu_options=cpu))
        key = next(iter(compiled.get_signature_list()))
        given = next(iter(compiled.get_input_tensor_details(key).values()))
        answers = list(compiled.get_output_tensor_details(key).values())
        inputs, results = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
        frame = image.integers(0, 127, given["shape"]).astype(given["dtype"])
        sizes = [int(np.prod(item["shape"])) for item in answers]

        def invoke() -> None:
            inputs[0].write(frame)
            compiled.run_by_index(0, inputs, results)
            for buffer, size, item in zip(results, sizes, answers, strict=True):
                buffer.read(size, np.dtype(item["dtype"]))

    invoke()
    loaded_s = time.perf_counter() - started
    for _ in range(20):
        invoke()
    took = []
    for _ in range(200):
        begun = time.perf_counter()
        invoke()
        took.append((time.perf_counter() - begun) * 1e3)
    return {"loaded_s": loaded_s, "invoke_ms": statistics.median(took), "rss_mb": rss_mb()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure[0], str(args.bundle), args.measure[1])))
        return
    print(f"{'':<32}{'load + first':>14}{'invoke':>8}{'resident':>12}")
    for variant in ("float32", "float16", "int8"):
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        with tempfile.TemporaryDirectory() as cache:
            for _ in range(ROUNDS):
                for way in WAYS:
                    command = [sys.executable, __file__, str(args.bundle / f"{variant}.tflite")]
                    done = subprocess.run(
                        [*command, "--measure", way, f"{cache}/weights"],
                        capture_output=True, text=True, check=False,
                    )  # fmt: skip
                    if done.returncode == 0:
                        found[way].append(json.loads(done.stdout.splitlines()[-1]))
        middle = {
            way: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
            for way, rows in found.items()
            if rows
        }
        base = middle["interpreter"]
        for way in WAYS:
            if way not in middle:
                print(f"{variant:<8} {way:<23} does not run")
                continue
            row = middle[way]
            print(
                f"{variant:<8} {way:<23}{row['loaded_s'] / base['loaded_s']:14.2f}"
                f"{row['invoke_ms'] / base['invoke_ms']:8.2f}{row['rss_mb']:9.0f} MB"
            )


if __name__ == "__main__":
    main()
