from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from convert.arm.layers import split_layers
from convert.quantization import flatbuffer


def answers(model: bytes, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ``model`` says, by tensor name."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], inputs[details["name"]])
    interpreter.invoke()
    return {
        details["name"]: interpreter.get_tensor(details["index"])
        for details in interpreter.get_output_details()
    }


@pytest.mark.parametrize("variant", ["int8", "float16"])
def test_layers_run_one_after_the_other_say_what_the_model_does(
    variant: str, bundle_dir: Path
) -> None:
    model = (bundle_dir / f"{variant}.tflite").read_bytes()
    tree = flatbuffer.read(model)
    graph = tree.subgraphs[0]
    image = graph.tensors[graph.inputs[0]]
    pixels = np.random.default_rng(5).integers(0, 256, image.shape, np.uint8)
    wanted = pixels if variant == "int8" else (pixels / 127.5 - 1).astype(np.float32)
    inputs = {image.name.decode(): wanted}

    known, layers = dict(inputs), list(split_layers(model))
    for layer in layers:
        known |= answers(layer.model, known)

    whole = answers(model, inputs)
    assert whole
    for name, values in whole.items():
        np.testing.assert_allclose(known[name], values, rtol=1e-3, atol=1e-3)
    steps = [name for name, _ in flatbuffer.operators(tree)]
    # float16 weights are made float32 once, when the model is prepared: no layers of their own.
    assert [layer.operator for layer in layers] == [name for name in steps if name != "DEQUANTIZE"]


def test_layers_keep_the_leave_to_compute_in_half_precision(bundle_dir: Path) -> None:
    for layer in split_layers((bundle_dir / "float16.tflite").read_bytes()):
        assert b"reduced_precision_support" in layer.model
