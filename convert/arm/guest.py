"""The guest: runs inside the emulator, loads models or engines and counts what they execute.

    python3.11 /desk/guest.py JOBS MODULE...

Each job is read from ``/desk/jobs/`` and done in a process of its own, forked when the modules
are imported: a crash is only an answer, and what a model costs does not depend on which were
counted before it. One answer per job goes to stdout, a line of JSON each.
"""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from device.errors import LiteberryError
from device.runtimes import ORIGINS, InterpreterName
from device.schema import Record

WORK = Path("/desk")


class CountJob(Record, frozen=True):
    """A model of ``/desk/models`` to invoke, or a variant of ``/desk/bundle`` to run whole."""

    interpreter: InterpreterName
    model: str | None = None
    variant: str | None = None


class Answer(Record, frozen=True):
    """Counts of a job, or why nothing was counted; of a model only the invoke."""

    preprocess: int = 0
    invoke: int = 0
    decode: int = 0
    error: str = ""


class Counter:
    """The count that the emulator's plugin keeps, in a file both map into memory."""

    def __init__(self) -> None:
        with (WORK / "count").open("rb") as file:
            self._count = memoryview(mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)).cast("Q")

    def __call__(self, action: Callable[[], object]) -> int:
        """Instructions of ``action``, and about 700 of calling it and reading twice."""
        before: int = self._count[0]
        action()
        after: int = self._count[0]
        return after - before


def count_model(job: CountJob, counter: Counter) -> Answer:
    """The second invoke: the first prepares weights. Inputs hold all values of a byte in turn."""
    assert job.model is not None
    module = importlib.import_module(ORIGINS[job.interpreter].module)
    interpreter = module.Interpreter(model_path=str(WORK / "models" / job.model), num_threads=1)
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        values = np.resize(np.arange(256, dtype=np.uint8), details["shape"])
        if details["dtype"] is np.int8:
            values = values.view(np.int8)
        elif details["dtype"] is not np.uint8:
            values = (values / 127.5 - 1).astype(details["dtype"])
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return Answer(invoke=counter(interpreter.invoke))


def count_variant(job: CountJob, counter: Counter) -> Answer:
    """The second frame, stage by stage."""
    import cv2

    from device.bundle.bundle import Bundle
    from device.inference.engine import Engine
    from device.records import Frame

    cv2.setNumThreads(1)  # the counter's condition; OpenCV does the same work with more
    frame = Frame(np.load(WORK / "frame.npy"), 0, 0.0)
    bundle = Bundle(WORK / "bundle")
    with Engine(bundle, job.variant, interpreter=job.interpreter, threads=1) as engine:
        engine.run(frame)
        placement = engine.prepare(frame)
        outputs = engine.interpreter.output_tensors
        return Answer(
            preprocess=counter(lambda: engine.prepare(frame)),
            invoke=counter(engine.interpreter.invoke),
            decode=counter(lambda: engine.find(outputs(), placement)),
        )


def _answer(path: Path, counter: Counter) -> Answer:
    job = msgspec.json.decode(path.read_bytes(), type=CountJob)
    try:
        return count_variant(job, counter) if job.variant else count_model(job, counter)
    except (LiteberryError, RuntimeError, ValueError) as exc:
        return Answer(error=(str(exc).strip().splitlines() or ["no reason given"])[0])


def main(jobs: int, modules: Sequence[str]) -> None:
    """Import ``modules``, then do the jobs ``0000`` to ``jobs`` - 1."""
    gc.disable()  # a collection in the counted frame would count what earlier ones left
    for module in modules:
        importlib.import_module(module)
    answers = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    counter = Counter()
    for number in range(jobs):
        child = os.fork()
        if child == 0:
            answer = _answer(WORK / "jobs" / f"{number:04}.json", counter)
            os.write(answers, msgspec.json.encode(answer) + b"\n")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 0:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            crash = Answer(error=f"the interpreter crashed ({how})")
            os.write(answers, msgspec.json.encode(crash) + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
