"""TFLite interpreters: which are here, and one of them with a model loaded.

The only module that imports an interpreter. All have the same Python interface; what
differs is where they come from, how fast they are and what they can load.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from device.bundle.heads import Dtype, TensorSpec
from device.bundle.manifest import Check
from device.errors import InterpreterError
from device.inference.delegates import load_delegate
from device.records import Tensor
from device.runtimes import INSTALL_LITERT, ORIGINS, PREFERENCE, InterpreterName
from device.system.stderr_filter import chatter_dropped

# What they say of a view that is alive. A profiler that looks at the frames of all threads, as that
# of Dask's workers does a hundred times a second, keeps one for a moment which was dropped.
HELD = "reference to internal data"
LET_GO_S = 1.0


def _spec(position: int, details: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    return TensorSpec(
        position=position,
        shape=tuple(int(side) for side in details["shape"]),
        dtype=cast("Dtype", np.dtype(details["dtype"]).name),
        scale=float(scale),
        zero_point=int(zero_point),
    )


def _is_open(details: Mapping[str, Any]) -> bool:
    """Whether the shape of an output is only known once the model has run.

    Its first axis may be of any length, the pictures': that is known when they are.
    """
    shape, signature = details["shape"], details.get("shape_signature", ())
    return len(shape) == 0 or 0 in shape or -1 in list(signature)[1:]


def _refusal(message: str) -> str:
    """Why a model was refused, in a line; a missing operator with the way out."""
    if found := re.search(r"builtin opcode '(\w+)' version '(\d+)'", message):
        return f"it needs {found[1]} version {found[2]}: install ai-edge-litert"
    return (message.strip().splitlines() or ["no reason given"])[0]


class Interpreter:
    """A model loaded into one interpreter, its tensors allocated once.

    Inputs and outputs are views into the interpreter's own memory. A view must be dropped
    before the next :meth:`invoke`; the interpreter refuses to run while one is alive.
    """

    def __init__(
        self,
        name: InterpreterName,
        model: Path,
        threads: int,
        input_shape: tuple[int, ...] | None = None,
        delegate: str | None = None,
    ) -> None:
        """``input_shape`` is what a model that takes any is set to, ``delegate`` a library's path.

        Raises :class:`InterpreterError` where it is not installed or refuses the model, and
        ``DelegateError`` where the library cannot be loaded.
        """
        self.name = name
        self.threads = threads
        origin = ORIGINS[name]
        try:
            backend = importlib.import_module(origin.module)
            self.version: str = sys.modules[origin.package].__version__
        except (ImportError, AttributeError) as exc:
            raise InterpreterError(
                f"the interpreter {name} cannot be imported ({exc}): "
                f"pip install {origin.distribution}"
            ) from exc
        options: dict[str, Any] = {}
        self._library = None if delegate is None else Path(delegate).name
        if delegate is not None:
            with chatter_dropped():
                options["experimental_delegates"] = [load_delegate(backend, delegate, name)]
        try:
            with chatter_dropped():
                self._backend = backend.Interpreter(
                    model_path=str(model), num_threads=threads, **options
                )
                inputs = self._backend.get_input_details()
                if len(inputs) == 1 and input_shape not in (None, tuple(inputs[0]["shape"])):
                    self._backend.resize_tensor_input(inputs[0]["index"], input_shape, strict=True)
                self._backend.allocate_tensors()
                # Names that are not in UTF-8 are refused by these, with a ValueError.
                inputs = self._backend.get_input_details()
                outputs = self._backend.get_output_details()
                self._backend.get_signature_list()
        except SystemError as exc:  # what a package built for NumPy 1 comes to beside NumPy 2
            raise InterpreterError(
                f"{name} {self.version} was built for another NumPy than {np.__version__}: "
                "install ai-edge-litert, or the NumPy it was built for"
            ) from exc
        except (ValueError, RuntimeError) as exc:
            raise InterpreterError(
                f"{name} {self.version} refuses {model.name}: {_refusal(str(exc))}"
            ) from exc
        if len(inputs) != 1:
            raise InterpreterError(f"{model} has {len(inputs)} inputs, expected one picture")
        self.input = _spec(0, inputs[0])
        self._input_view = self._backend.tensor(inputs[0]["index"])
        if any(_is_open(item) for item in outputs):
            self.input_tensor()[...] = 0
            self.invoke()  # shapes that are computed are known after it
            outputs = self._backend.get_output_details()
        self.outputs = tuple(_spec(position, item) for position, item in enumerate(outputs))
        self._output_indices = [item["index"] for item in outputs]
        self._output_views = [self._backend.tensor(index) for index in self._output_indices]

    @property
    def delegate(self) -> str:
        """What carries out operators in the interpreter's stead, in words."""
        if self._library is not None:
            return self._library  # which parts are its own, and which XNNPACK's, nobody says
        names = [item["op_name"] for item in self._backend._get_ops_details()]
        parts = names.count("DELEGATE")
        if not parts:
            return "no delegate"
        return "XNNPACK" if parts == 1 else f"XNNPACK in {parts} parts"

    def input_tensor(self) -> Tensor:
        """The input tensor, to be written in place."""
        view: Tensor = self._input_view()
        return view

    def invoke(self) -> None:
        """Run the model on what the input tensor holds.

        Raises :class:`InterpreterError` where the model fails, or a view is still alive.
        """
        deadline_s: float | None = None
        while True:
            try:
                self._backend.invoke()
            except RuntimeError as exc:
                reason = (str(exc).strip().splitlines() or ["no reason given"])[0]
                now_s = time.monotonic()
                if deadline_s is None:
                    deadline_s = now_s + LET_GO_S
                if HELD not in reason or now_s > deadline_s:
                    raise InterpreterError(
                        f"{self.name} {self.version} cannot run: {reason}"
                    ) from exc
                time.sleep(0.001)
            else:
                return

    def output_tensors(self) -> Sequence[Tensor]:
        """All outputs in the interpreter's order, valid until the next :meth:`invoke`."""
        return [view() for view in self._output_views]

    def output_names(self) -> dict[str, int]:
        """Position of each output by the name the model's signature gives it, or by its number."""
        signatures = self._backend.get_signature_list()
        if not signatures:
            return {str(position): position for position in range(len(self.outputs))}
        if len(signatures) != 1:
            raise InterpreterError(f"the model has {len(signatures)} signatures, expected one")
        runner = self._backend.get_signature_runner(next(iter(signatures)))
        return {
            name: self._output_indices.index(details["index"])
            for name, details in runner.get_output_details().items()
        }


def choose_interpreter(checks: Mapping[InterpreterName, Check]) -> tuple[InterpreterName, str]:
    """The best interpreter here that is not known to fail, and why it was chosen.

    ``checks`` are what the laptop found for the variant; an interpreter it did not have is
    taken on trust. Raises :class:`InterpreterError` where none remains.
    """
    passed_over = []
    for name in PREFERENCE:
        check = checks.get(name)
        if check is not None and not check.ok:
            passed_over.append(f"{name} is known to fail on this variant ({check.reason})")
            continue
        try:
            importlib.import_module(ORIGINS[name].module)
        except (ImportError, AttributeError) as exc:
            passed_over.append(f"{name} cannot be imported ({exc})")
            continue
        return name, "; ".join(passed_over) or "first choice"
    raise InterpreterError(
        f"no interpreter can run this variant: {'; '.join(passed_over)}. "
        f"Install one ({INSTALL_LITERT}) or take another variant"
    )
