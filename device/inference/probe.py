"""The probe: models' tensors and answers in an interpreter, found out in a child process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.errors import InterpreterError, LiteberryError
from device.inference.interpreter import Interpreter
from device.inference.preprocess import Preprocessor
from device.records import Tensor
from device.runtimes import InterpreterName
from device.schema import Record
from device.system.isolated_process import TIMEOUT_S, converse, serve

TIMED_LEAST, TIMED_MOST = 3, 20  # invokes
TIMED_S = 0.5  # after which no further one is timed: without XNNPACK one can take 150 ms


class ProbeRequest(Record, frozen=True):
    """What to run, and where to leave the outputs (``.npz``; none are kept without it)."""

    model: str
    interpreter: InterpreterName
    rule: InputRule
    images: tuple[str, ...] = ()
    outputs: str | None = None


class ProbeBatch(Record, frozen=True):
    """What one child is to run, one model after another: starting it takes longer than most."""

    requests: tuple[ProbeRequest, ...]


class ProbeAnswer(Record, frozen=True):
    """What a model looks like in an interpreter, and how long one invoke took there."""

    version: str
    input: TensorSpec
    outputs: dict[str, TensorSpec]  # by the name in the model's signature
    invoke_ms: float | None  # median, one thread; None without pictures


class ProbeReply(Record, frozen=True, tag="reply"):
    """What came of one request: an answer, or why there is none."""

    answer: ProbeAnswer | None = None
    error: str = ""


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
    for path in request.images:
        preprocess(read_image(Path(path)), interpreter.input_tensor())
        interpreter.invoke()
        tensors = interpreter.output_tensors()
        for name, position in names.items():
            kept[name].append(tensors[position].copy())
        del tensors
    times_s = invoke_times(interpreter.invoke) if request.images else []
    if request.outputs is not None:
        np.savez(request.outputs, **{name: np.stack(values) for name, values in kept.items()})
    return ProbeAnswer(
        version=interpreter.version,
        input=interpreter.input,
        outputs={name: interpreter.outputs[position] for name, position in names.items()},
        invoke_ms=statistics.median(times_s) * 1e3 if times_s else None,
    )


def invoke_times(
    invoke: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Seconds that each of some invokes took: fewer of slow ones, as a build waits for them."""
    times_s: list[float] = []
    while len(times_s) < TIMED_MOST and (len(times_s) < TIMED_LEAST or sum(times_s) < TIMED_S):
        started = clock()
        invoke()
        times_s.append(clock() - started)
    return times_s


def probe(request: ProbeRequest) -> ProbeAnswer:
    """Do what ``request`` asks, in a child process.

    Raises :class:`InterpreterError` with the reason where the model is refused, the interpreter
    crashes, or no answer comes within ten minutes.
    """
    (found,) = probe_all([request])
    if isinstance(found, InterpreterError):
        raise found
    return found


def probe_all(requests: Sequence[ProbeRequest]) -> Iterator[ProbeAnswer | InterpreterError]:
    """What :func:`probe` says of each of ``requests``, of one interpreter, from as few children.

    Where a model is refused the child goes on with the next one; where it crashes, another does.
    """
    waiting = list(requests)
    while waiting:
        batch = ProbeBatch(requests=tuple(waiting))
        interpreter = waiting[0].interpreter
        try:
            for reply in converse(
                "device.inference.probe", batch, ProbeReply, interpreter, TIMEOUT_S * len(waiting)
            ):
                waiting.pop(0)
                yield reply.answer or InterpreterError(reply.error)
            if waiting:
                raise InterpreterError(f"{interpreter}: the process gave no answer")
        except InterpreterError as exc:
            yield InterpreterError(f"{Path(waiting.pop(0).model).name} in {exc}")


def _answer_all(batch: ProbeBatch, reply: Callable[[Record], None]) -> None:
    for request in batch.requests:
        try:
            found = ProbeReply(answer=answer(request))
        except (LiteberryError, RuntimeError, ValueError) as exc:
            found = ProbeReply(error=str(exc))
        reply(found)


if __name__ == "__main__":
    serve(ProbeBatch, _answer_all)
