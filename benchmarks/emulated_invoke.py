"""Runs inside the emulator: a model over prepared inputs, its outputs left as one file.

Arguments: ``litert`` or ``tflite-runtime``, and the pictures from the first to before the last.
``/desk/inputs.npy`` is float32 (pictures, height, width, 3); ``/desk/outputs.npz`` gets an array
(pictures, ...) per output, in the interpreter's order.
"""

from __future__ import annotations

import sys

import numpy as np


def main() -> None:
    """Run them."""
    name, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    interpreter = Interpreter(model_path="/desk/model.tflite", num_threads=1)
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    positions = [item["index"] for item in interpreter.get_output_details()]
    images = np.load("/desk/inputs.npy", mmap_mode="r")
    answers: list[list[np.ndarray]] = []
    for number in range(first, last):
        interpreter.set_tensor(image["index"], images[number : number + 1])
        interpreter.invoke()
        answers.append([interpreter.get_tensor(position) for position in positions])
    outputs = [np.concatenate(values) for values in zip(*answers, strict=True)]
    np.savez("/desk/outputs.npz", *outputs)


if __name__ == "__main__":
    main()
