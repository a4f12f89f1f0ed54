"""The probe: a model's tensors and answers in an interpreter, found out in a child process."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np

from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.inference.interpreter import Interpreter
from device.inference.preprocess import Preprocessor
from device.records import Tensor
from device.runtimes import InterpreterName
from device.schema import Record
from device.system.isolated_process import ask, serve

TIMED_INVOKES = 20


class ProbeRequest(Record, frozen=True):
    """What to run, and where to leave the outputs (``.npz``; none are kept without it)."""

    model: str
    interpreter: InterpreterName
    rule: InputRule
    images: tuple[str, ...] = ()
    outputs: str | None = None


class ProbeAnswer(Record, frozen=True, tag="answer"):
    """What a model looks like in an interpreter, and how long one invoke took there."""

    version: str
    input: TensorSpec
    outputs: dict[str, TensorSpec]  # by the name in the model's signature
    invoke_ms: float | None  # median, one thread; None without pictures


def answer(request: ProbeRequest) -> ProbeAnswer:
    """Do what ``request`` asks, in this process."""
    # The pictures come through the same code as a camera's; late import, it needs OpenCV's codecs.
    from device.images import read_image

    interpreter = Interpreter(
        request.interpreter, Path(request.model), threads=1, input_shape=request.rule.shape
    )
    names = interpreter.output_names()
    preprocess = Preprocessor(request.rule, interpreter.input)
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    times_ms = []
    for path in request.images:
        preprocess(read_image(Path(path)), interpreter.input_tensor())
        interpreter.invoke()
        tensors = interpreter.output_tensors()
        for name, position in names.items():
            kept[name].append(tensors[position].copy())
        del tensors
    if request.images:
        for _ in range(TIMED_INVOKES):
            started = time.perf_counter()
            interpreter.invoke()
            times_ms.append((time.perf_counter() - started) * 1e3)
    if request.outputs is not None:
        np.savez(request.outputs, **{name: np.stack(values) for name, values in kept.items()})
    return ProbeAnswer(
        version=interpreter.version,
        input=interpreter.input,
        outputs={name: interpreter.outputs[position] for name, position in names.items()},
        invoke_ms=statistics.median(times_ms) if times_ms else None,
    )


def probe(request: ProbeRequest) -> ProbeAnswer:
    """Do what ``request`` asks, in a child process.

    Raises :class:`InterpreterError` with the reason where the model is refused, the interpreter
    crashes, or no answer comes within ten minutes.
    """
    where = f"{Path(request.model).name} in {request.interpreter}"
    return ask("device.inference.probe", request, ProbeAnswer, where)


if __name__ == "__main__":
    serve(ProbeRequest, lambda request, reply: reply(answer(request)))
