"""Invoke cost of a candidate, as a multiple of int8's: measured here, or counted."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args

from convert.output_capture import quiet
from convert.quantization import flatbuffer
from device.errors import InterpreterError
from device.inference.interpreter import Interpreter

Target = Literal["here", "pi4", "pi5"]
TARGETS: tuple[Target, ...] = get_args(Target)

BLOCKS = 4
ROUNDS = 6  # in a block
FINAL_BLOCKS = 12


class InvokeCost(Protocol):
    """A cost that candidates are ranked by; ``unit`` says what is compared."""

    unit: str

    def estimate(self, models: Sequence[bytes]) -> list[float]:
        """Of many ``.tflite`` files, roughly, each as a multiple of int8's."""

    def confirm(self, models: Sequence[bytes]) -> list[float]:
        """Of a few, as exactly as can be had."""


def invoke_cost(target: Target, int8: bytes) -> InvokeCost:
    """The cost of ``target``, against the file ``int8``."""
    return Latency(int8) if target == "here" else Instructions(target, int8)


class Latency:
    """Time of one invoke in LiteRT on this machine, one thread.

    A candidate and int8 take turns; other work on the machine comes in bursts, so of several
    medians the least counts.
    """

    unit = "time of one invoke here, LiteRT, one thread"

    def __init__(self, int8: bytes) -> None:
        self._int8 = int8

    def estimate(self, models: Sequence[bytes]) -> list[float]:
        """One after the other, each beside int8."""
        return [self._ratio(model, BLOCKS) for model in models]

    def confirm(self, models: Sequence[bytes]) -> list[float]:
        """As :meth:`estimate`, for longer."""
        return [self._ratio(model, FINAL_BLOCKS) for model in models]

    def _ratio(self, model: bytes, blocks: int) -> float:
        if model == self._int8:
            return 1.0
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch, quiet(debug=False):
            pair = []
            for name, data in (("int8", self._int8), ("candidate", model)):
                path = Path(scratch) / f"{name}.tflite"
                path.write_bytes(data)
                pair.append(Interpreter("litert", path, threads=1))
        medians: list[list[float]] = [[], []]
        for _ in range(blocks):
            times: list[list[float]] = [[], []]
            for _ in range(ROUNDS):
                for interpreter, taken in zip(pair, times, strict=True):
                    started = time.perf_counter()
                    interpreter.invoke()
                    taken.append(time.perf_counter() - started)
            for taken, kept in zip(times, medians, strict=True):
                kept.append(statistics.median(taken))
        return min(medians[1]) / min(medians[0])


class Instructions:
    """Arm instructions of one invoke in LiteRT, counted under emulation.

    Of many candidates by the sum of their layers, each kind of which is counted once.
    """

    def __init__(
        self,
        target: Literal["pi4", "pi5"],
        int8: bytes,
        count: Callable[[Sequence[bytes]], list[int]] | None = None,
    ) -> None:
        """``count`` counts the instructions of files; None: under emulation."""
        self.unit = f"Arm instructions of one invoke on a {'Pi 4' if target == 'pi4' else 'Pi 5'}"
        self._target = target
        self._int8 = int8
        self._count = count or self._emulate
        self._known: dict[str, int] = {}
        self._whole: int | None = None

    def _emulate(self, models: Sequence[bytes]) -> list[int]:
        from convert.arm.count import count_invokes

        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            paths = [Path(scratch) / f"{number:04}.tflite" for number in range(len(models))]
            for path, model in zip(paths, models, strict=True):
                path.write_bytes(model)
            counted = count_invokes(
                paths, "cortex-a72" if self._target == "pi4" else "cortex-a76", "litert"
            )
        for item in counted:
            if isinstance(item, InterpreterError):
                raise item
        return [item for item in counted if isinstance(item, int)]

    def estimate(self, models: Sequence[bytes]) -> list[float]:
        """By their layers."""
        from convert.arm.layers import split_layers

        split = [
            [(_kind(layer.model), layer.model) for layer in split_layers(model)]
            for model in (self._int8, *models)
        ]
        new = {kind: model for layers in split for kind, model in layers if kind not in self._known}
        if new:
            self._known |= dict(zip(new, self._count(list(new.values())), strict=True))
        base, *sums = (sum(self._known[kind] for kind, _ in layers) for layers in split)
        return [total / base for total in sums]

    def confirm(self, models: Sequence[bytes]) -> list[float]:
        """Whole."""
        missing = [self._int8] * (self._whole is None)
        counted = self._count([*missing, *models])
        if self._whole is None:
            self._whole = counted.pop(0)
        return [count / self._whole for count in counted]


def _kind(layer: bytes) -> str:
    """What a layer's number of instructions depends on: all but the numbers in it."""
    model = flatbuffer.read(layer)
    tensors = model.subgraphs[0].tensors

    def told(index: int) -> object:
        if index < 0:
            return None
        scale = tensors[index].quantization and tensors[index].quantization.scale
        return tensors[index].type, list(tensors[index].shape), 0 if scale is None else len(scale)

    return repr(
        [
            (
                name,
                [told(index) for index in operator.inputs],
                [told(index) for index in operator.outputs],
                operator.builtinOptions and vars(operator.builtinOptions),
            )
            for name, operator in flatbuffer.operators(model)
        ]
    )
