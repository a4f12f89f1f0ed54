"""Runs a model in a process of its own, so that a crash of the interpreter is only an answer.

The parent calls :func:`probe`; the child is ``python -m device.probe`` with a request on its
standard input.
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np

from device.errors import InterpreterError, LiteberryError
from device.interpreter import Interpreter
from device.manifest import InputRule, InterpreterName, Record, TensorSpec
from device.preprocess import Preprocessor
from device.records import Tensor

TIMEOUT_S = 600.0
TIMED_INVOKES = 20


class ProbeRequest(Record, frozen=True):
    """What to run, and where to leave the outputs (``.npz``; none are kept without it)."""

    model: str
    interpreter: InterpreterName
    rule: InputRule
    pictures: tuple[str, ...] = ()
    outputs: str | None = None


class ProbeAnswer(Record, frozen=True, tag="answer"):
    """What a model looks like in an interpreter, and how long one invoke took there."""

    version: str
    input: TensorSpec
    outputs: dict[str, TensorSpec]  # by the name in the model's signature
    invoke_ms: float | None  # median, one thread; None without pictures


class _Failure(Record, frozen=True, tag="failure"):
    error: str


def answer(request: ProbeRequest) -> ProbeAnswer:
    """Do what ``request`` asks, in this process."""
    # The pictures come through the same code as a camera's; late import, it needs OpenCV's codecs.
    from device.camera import read_picture

    interpreter = Interpreter(request.interpreter, Path(request.model), threads=1)
    names = interpreter.output_names()
    preprocess = Preprocessor(request.rule, interpreter.input)
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    times_ms = []
    for path in request.pictures:
        preprocess(read_picture(Path(path)), interpreter.input_tensor())
        interpreter.invoke()
        tensors = interpreter.output_tensors()
        for name, position in names.items():
            kept[name].append(tensors[position].copy())
        del tensors
    if request.pictures:
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
    try:
        child = subprocess.run(
            [sys.executable, "-m", "device.probe"],
            input=msgspec.json.encode(request),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=Path(__file__).parents[1],
        )
    except subprocess.TimeoutExpired as exc:
        raise InterpreterError(f"{where}: no answer in {TIMEOUT_S:.0f} s") from exc
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise InterpreterError(f"{where}: the interpreter crashed ({name})")
    try:
        reply = msgspec.json.decode(child.stdout, type=ProbeAnswer | _Failure)
    except msgspec.DecodeError as exc:
        last = (child.stderr.decode(errors="replace").strip().splitlines() or ["no output"])[-1]
        raise InterpreterError(f"{where}: the process failed ({last})") from exc
    if isinstance(reply, _Failure):
        raise InterpreterError(reply.error)
    return reply


def _main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=ProbeRequest)
    reply: ProbeAnswer | _Failure
    try:
        reply = answer(request)
    except (LiteberryError, RuntimeError, ValueError) as exc:
        reply = _Failure(error=str(exc))
    sys.stdout.buffer.write(msgspec.json.encode(reply))


if __name__ == "__main__":
    _main()
