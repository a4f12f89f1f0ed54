"""The trial run: a first look at a bare model, in a process of its own.

Nobody vouches for such a file: reading it, loading it and running it may each crash an
interpreter. The child does all three and answers with what it saw.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from device.bundle.heads import TensorSpec
from device.bundle.hints import Hints
from device.errors import DelegateError, InterpreterError, LiteberryError
from device.inference.candidates import dequantise
from device.inference.delegates import delegate_for, require_runtime
from device.inference.interpreter import Interpreter
from device.inference.preprocess import Preprocessor
from device.inspection.image_input import image_input
from device.inspection.output_roles import OutputValues
from device.inspection.tflite_facts import FileFacts
from device.inspection.tflite_file import read_facts
from device.inspection.tflite_metadata import ModelMetadata, read_metadata
from device.inspection.yolo_layout import two_axes
from device.records import Pixels, Tensor
from device.runtimes import InterpreterName
from device.schema import Record
from device.system.isolated_process import ask, serve

TIMEOUT_S = 300.0  # a Pi runs the slowest of such models in seconds; some machines are busy
MAX_KEPT = 200_000  # values of an output that are sent to the parent: 50,000 boxes
MAX_RANGES = 2_000  # numbers of a candidate: a box and two thousand classes
TRIAL_SIDES = (512, 16, 4)  # pixels of noise: from fine grain to broad colours
NOT_VALID = "not a valid Flatbuffer"  # LiteRT checks all of it; the others do not, and crash
FIRST_TO_GO = Path("/proc/self/oom_score_adj")


class ExamineRequest(Record, frozen=True):
    """Which model, in which interpreter, and what the user says of it."""

    model: str
    interpreter: InterpreterName
    hints: Hints
    delegate: str | None = None  # a library; None: of a compiled model the one it was compiled for


class Examination(Record, frozen=True, tag="examination"):
    """What the file says, and what its outputs held; nothing of those where it did not run."""

    facts: FileFacts | None = None
    metadata: ModelMetadata = ModelMetadata()
    unreadable: str = ""  # why there are no facts
    version: str = ""  # of the interpreter
    input: TensorSpec | None = None
    outputs: tuple[TensorSpec, ...] = ()
    held: tuple[OutputValues, ...] = ()


def trial_images() -> list[Pixels]:
    """Pictures of nothing, always the same, on which a model shows the form of its answers."""
    random = np.random.default_rng(0)
    images = []
    for side in TRIAL_SIDES:
        noise = random.integers(0, 256, (side, side, 3), np.uint8)
        images.append(np.asarray(cv2.resize(noise, (512, 512)), np.uint8))
    return images


def output_values(runs: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> OutputValues:
    """What an output held over several runs, float32."""
    values = np.stack(runs)
    finite = bool(values.size and np.isfinite(values).all())
    ranges: tuple[tuple[float, float], ...] = ()
    sides = two_axes(runs[0].shape)
    if finite and sides is not None and min(sides) <= MAX_RANGES:
        tables = values.reshape(-1, *sides)
        over = (0, 1 if sides[0] >= sides[1] else 2)
        least, most = tables.min(over).tolist(), tables.max(over).tolist()
        ranges = tuple(zip(least, most, strict=True))
    return OutputValues(
        finite=finite,
        ranges=ranges,
        minimum=float(values.min()) if finite else 0.0,
        maximum=float(values.max()) if finite else 0.0,
        runs=tuple(run.tobytes() for run in runs) if 0 < runs[0].size <= MAX_KEPT else (),
    )


def examine(
    model: Path,
    interpreter: InterpreterName,
    hints: Hints,
    delegate: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Examination:
    """Read, load and run ``model`` in a child process.

    Raises ``InterpreterError`` where the interpreter refuses it, crashes or does not answer.
    """
    request = ExamineRequest(
        model=str(model.resolve()), interpreter=interpreter, hints=hints, delegate=delegate
    )
    what = f"{model.name} in {interpreter}"
    return ask("device.inspection.trial_run", request, Examination, what, timeout_s)


def answer(request: ExamineRequest) -> Examination:
    """Do what ``request`` asks, in this process."""
    path = Path(request.model)
    try:
        facts = read_facts(path)
    except InterpreterError:
        raise
    except LiteberryError as exc:
        return Examination(unreadable=str(exc))
    metadata = read_metadata(path, facts.metadata)
    told = Examination(facts=facts, metadata=metadata)
    try:
        rule = image_input(facts, metadata, request.hints).rule
    except LiteberryError:  # the parent comes to the same, and tells
        return told
    library = delegate_for(request.delegate, facts.operators)
    try:
        if library is not None:
            require_runtime(library, facts.edge_tpu_runtime)
        interpreter = Interpreter(
            request.interpreter, path, threads=1, input_shape=rule.shape, delegate=library
        )
    except DelegateError as exc:
        compiled = " was compiled for a Coral Edge TPU, but" * (request.delegate is None)
        return Examination(unreadable=f"{path}{compiled or ':'} {exc}")
    except InterpreterError as exc:
        if NOT_VALID not in str(exc):
            raise
        return Examination(unreadable=f"{path} is damaged or incomplete ({exc}): get it again")
    preprocess = Preprocessor(rule, interpreter.input)
    runs: list[list[Tensor]] = []
    for pixels in trial_images():
        preprocess(pixels, interpreter.input_tensor())
        interpreter.invoke()
        runs.append([tensor.copy() for tensor in interpreter.output_tensors()])
    for spec, *tensors in zip(interpreter.outputs, *runs, strict=True):
        if any(tensor.shape != spec.shape for tensor in tensors):
            shapes = " and ".join(str(shape) for shape in sorted({item.shape for item in tensors}))
            return Examination(
                unreadable=f"{path}: its output {spec.position} is {shapes} on different pictures; "
                "only outputs of one shape run here. Export it with a fixed number of detections"
            )
    return Examination(
        facts=facts,
        metadata=metadata,
        version=interpreter.version,
        input=interpreter.input,
        outputs=interpreter.outputs,
        held=tuple(
            output_values([dequantise(run[spec.position], spec) for run in runs])
            for spec in interpreter.outputs
        ),
    )


def _work(request: ExamineRequest, reply: Callable[[Record], None]) -> None:
    if sys.platform == "linux":  # a damaged file may ask for all memory there is
        with contextlib.suppress(OSError):  # containers may forbid it
            FIRST_TO_GO.write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is an answer, not to be kept
    reply(answer(request))


if __name__ == "__main__":
    serve(ExamineRequest, _work)
