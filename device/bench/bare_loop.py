"""A bare loop over an interpreter and nothing else: what the benchmark is held against.

Arguments: module of the interpreter, model, threads, warm-ups, number of invokes, and a file of
NumPy's with the input. Prints the milliseconds of each as a list of JSON. Knows nothing of
liteberry.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

import numpy as np


def main() -> None:
    """Run the loop."""
    module, model, threads, warmups, count, given = sys.argv[1:]
    backend = importlib.import_module(module)
    interpreter = backend.Interpreter(model_path=model, num_threads=int(threads))
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    interpreter.set_tensor(image["index"], np.load(given))
    for _ in range(int(warmups)):
        interpreter.invoke()
    times_ms = []
    for _ in range(int(count)):
        started = time.perf_counter()
        interpreter.invoke()
        times_ms.append((time.perf_counter() - started) * 1e3)
    sys.stdout.write(json.dumps(times_ms))


if __name__ == "__main__":
    main()
