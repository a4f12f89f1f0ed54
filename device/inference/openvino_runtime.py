"""OpenVINO behind the interface that the TFLite interpreters share.

It reads a `.tflite` file itself, with kernels of its own for x86-64 and 64-bit Arm. How the tensors
of the file are called and quantised it does not say: LiteRT reads that, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import openvino
from ai_edge_litert.interpreter import Interpreter as Reader

from device.records import Tensor
from device.system.board import read_cpu

__version__ = openvino.__version__.partition("-")[0]  # as pip knows it, without the build

# Without these it takes bfloat16 where the processor has it, which no variant was checked with, and
# ties its threads to cores that camera and page run on too.
SETTINGS = {
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": "1",
    "ENABLE_CPU_PINNING": "NO",
}
# Without such instructions its int8 kernels add products of 8 bits up in 16, where they saturate: a
# person of 60 % was gone. There it computes int8 in floats, as on Arm, where it has no such
# kernels. Source: "Saturation (overflow) issue workaround" in OpenVINO's documentation.
EXACT_INT8 = frozenset({"AVX-VNNI", "AVX-512 VNNI", "AMX"})  # of board.CPU_FEATURES
IN_FLOATS = {"LP_TRANSFORMS_MODE": "NO"}


def settings_for(threads: int, features: Collection[str]) -> dict[str, str]:
    """What a model is compiled with, for a processor of these ``features``."""
    settings = {**SETTINGS, "INFERENCE_NUM_THREADS": str(threads)}
    return settings if EXACT_INT8.intersection(features) else settings | IN_FLOATS


class OpenVinoInterpreter:
    """A model in OpenVINO, as ``ai_edge_litert.interpreter.Interpreter`` has it.

    What is raised is what that one raises: ``ValueError`` for a file that is none, and
    ``RuntimeError`` for one that OpenVINO cannot take or run.
    """

    def __init__(
        self,
        model_path: str | None = None,
        model_content: bytes | None = None,
        num_threads: int = 1,
    ) -> None:
        self._reader = Reader(model_path=model_path, model_content=model_content)
        given = model_path if model_content is None else model_content
        try:
            self._model = openvino.Core().read_model(given)
        except RuntimeError as exc:
            raise RuntimeError(_reason(str(exc))) from exc
        self._threads = num_threads
        self._request: Any = None
        self._inputs: list[dict[str, Any]] = self._reader.get_input_details()
        self._outputs: list[dict[str, Any]] = self._reader.get_output_details()
        _require_names(self._inputs, self._model.inputs)
        _require_names(self._outputs, self._model.outputs)

    def resize_tensor_input(self, index: int, shape: Sequence[int], strict: bool = False) -> None:
        """Let the input have this ``shape``; ``strict``, as elsewhere, where its axis is free."""
        self._reader.resize_tensor_input(index, shape, strict=strict)
        self._inputs = self._reader.get_input_details()
        self._model.reshape(list(shape))

    def allocate_tensors(self) -> None:
        """Compile the model."""
        settings = settings_for(self._threads, read_cpu().features)
        try:
            compiled = openvino.Core().compile_model(self._model, "CPU", settings)
        except RuntimeError as exc:
            raise RuntimeError(_reason(str(exc))) from exc
        self._request = compiled.create_infer_request()

    def get_input_details(self) -> list[dict[str, Any]]:
        """Name, number, shape, dtype and quantisation of the input."""
        return self._inputs

    def get_output_details(self) -> list[dict[str, Any]]:
        """What the file says of the outputs, with the shapes that the last invoke gave them."""
        if self._request is None:
            return self._outputs
        return [
            {**details, "shape": np.array(self._output(position).shape, np.int32)}
            for position, details in enumerate(self._outputs)
        ]

    def get_signature_list(self) -> Mapping[str, Any]:
        """Names of inputs and outputs by the name of each signature."""
        signatures: Mapping[str, Any] = self._reader.get_signature_list()
        return signatures

    def get_signature_runner(self, name: str) -> Any:
        """What knows the tensors of a signature; to run it is not for this."""
        return self._reader.get_signature_runner(name)

    def tensor(self, index: int) -> Callable[[], Tensor]:
        """A function that returns a view of the input or an output; ``index`` is the file's."""
        if index == self._inputs[0]["index"]:
            return lambda: self._request.get_input_tensor(0).data
        position = [item["index"] for item in self._outputs].index(index)
        return partial(self._output, position)

    def set_tensor(self, index: int, value: Tensor) -> None:
        """Copy ``value`` into the input."""
        np.copyto(self.tensor(index)(), value)

    def invoke(self) -> None:
        """Run the model on what the input holds."""
        self._request.infer()

    def _get_ops_details(self) -> list[dict[str, Any]]:
        return []  # nothing is handed to a delegate

    def _output(self, position: int) -> Tensor:
        values: Tensor = self._request.get_output_tensor(position).data
        return values


Interpreter = OpenVinoInterpreter  # by the name that the others have


def _reason(message: str) -> str:
    """What its exceptions say last, after the places in its source that they passed."""
    if found := re.search(r"No translator found for (\w+) node", message):
        return f"OpenVINO has no operator {found[1]}"
    return (message.strip().splitlines() or ["no reason given"])[-1]


def _require_names(details: Sequence[Mapping[str, Any]], ports: Sequence[Any]) -> None:
    """Raise ``RuntimeError`` unless OpenVINO has the tensors of the file in the file's order."""
    for item, port in zip(details, ports, strict=True):
        if item["name"] not in port.names:
            found = sorted(port.names)
            raise RuntimeError(f"OpenVINO has {found} where the file has {item['name']}")
