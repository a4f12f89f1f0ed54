"""Counts of Arm instructions: of an invoke of any model, of whole frames of a bundle's variants."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from tqdm import tqdm

from convert.arm import guest
from convert.arm.emulator import Cpu, Emulator, emulator
from convert.arm.guest import Answer, CountJob
from convert.arm.root import arm_root
from device.bundle.bundle import Bundle
from device.errors import InterpreterError
from device.images import read_image
from device.paths import ROOT
from device.runtimes import ORIGINS, InterpreterName, usable_cores
from device.schema import Record

FRAME_WH = (640, 480)
BYTECODE = shutil.ignore_patterns("__pycache__")  # there or not, it would change the counts
TIMEOUT_S = 600.0  # for each job; the slowest, float16 on an A76, takes half a minute

Stage = Callable[[Path], None]


class FrameCount(Record, frozen=True):
    """Instructions of the stages of one frame."""

    preprocess: int
    invoke: int
    decode: int

    @property
    def frame(self) -> int:
        """All of it, from the camera's pixels to detections."""
        return self.preprocess + self.invoke + self.decode


def count_invoke(model: Path, cpu: Cpu, interpreter: InterpreterName = "litert") -> int:
    """Arm instructions of one invoke of a ``.tflite`` file, one thread.

    About a thousand of them are the call from Python. Raises as :func:`count_invokes`, and
    ``InterpreterError`` where the interpreter refuses the model or crashes.
    """
    (counted,) = count_invokes([model], cpu, interpreter)
    if isinstance(counted, InterpreterError):
        raise counted
    return counted


def count_invokes(
    models: Sequence[Path], cpu: Cpu, interpreter: InterpreterName = "litert"
) -> list[int | InterpreterError]:
    """As :func:`count_invoke` for each model, in order, on all cores of this machine.

    What a model costs does not depend on the others. A model that is refused has an error in its
    place. Raises ``EmulationError`` where a tool is missing or the emulator fails.
    """
    jobs = [
        CountJob(interpreter=interpreter, model=f"{number:04}") for number in range(len(models))
    ]

    def stage(work: Path) -> None:
        (work / "models").mkdir()
        for number, path in enumerate(models):
            (work / "models" / f"{number:04}").symlink_to(path.resolve())

    return [
        InterpreterError(f"{path}: {answer.error}") if answer.error else answer.invoke
        for path, answer in zip(models, _count(jobs, cpu, stage), strict=True)
    ]


def count_frames(
    bundle: Bundle, variants: Sequence[str], cpu: Cpu, interpreter: InterpreterName = "litert"
) -> list[FrameCount | InterpreterError]:
    """Arm instructions of a frame of 640x480 pixels, the bundle's first sample, in each variant.

    The frame goes through ``device.inference.engine`` as a camera's would: preprocess, invoke,
    decode; not capture, drawing and sinks. Raises as :func:`count_invokes`.
    """
    sample = read_image(bundle.file(bundle.manifest.samples[0].file))
    frame = cv2.resize(sample, FRAME_WH, interpolation=cv2.INTER_AREA)

    def stage(work: Path) -> None:
        (work / "bundle").symlink_to(bundle.folder.resolve())
        np.save(work / "frame.npy", frame)

    jobs = [CountJob(interpreter=interpreter, variant=variant) for variant in variants]
    return [
        InterpreterError(f"{variant}: {answer.error}")
        if answer.error
        else FrameCount(preprocess=answer.preprocess, invoke=answer.invoke, decode=answer.decode)
        for variant, answer in zip(variants, _count(jobs, cpu, stage), strict=True)
    ]


def _count(jobs: Sequence[CountJob], cpu: Cpu, stage: Stage) -> list[Answer]:
    """Do ``jobs``, all of one interpreter, on all cores; ``stage`` prepares an emulated /desk."""
    root = arm_root()
    cores = min(usable_cores(), len(jobs))

    async def count_all(bar: tqdm[Any]) -> list[list[Answer]]:
        with contextlib.ExitStack() as stack:
            machines = [stack.enter_context(emulator(root, cpu)) for _ in range(cores)]
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_count_share(machine, jobs[first::cores], stage, bar))
                    for first, machine in enumerate(machines)
                ]
        return [task.result() for task in tasks]

    with tqdm(desc=f"counting on {cpu}", total=len(jobs), leave=False, disable=None) as bar:
        try:
            shares = asyncio.run(count_all(bar))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return [shares[number % cores][number // cores] for number in range(len(jobs))]


async def _count_share(
    machine: Emulator, jobs: Sequence[CountJob], stage: Stage, bar: tqdm[Any]
) -> list[Answer]:
    work = machine.disk / "desk"
    shutil.copytree(ROOT / "device", work / "device", ignore=BYTECODE)
    shutil.copy(guest.__file__, work / "guest.py")
    stage(work)
    (work / "jobs").mkdir()
    for number, job in enumerate(jobs):
        (work / "jobs" / f"{number:04}.json").write_bytes(msgspec.json.encode(job))
    answers: list[Answer] = []

    def hear(line: bytes) -> None:
        answers.append(msgspec.json.decode(line, type=Answer))
        bar.update()

    await machine.run(
        *("/usr/bin/python3.11", "/desk/guest.py", f"{len(jobs):04}"),
        *(
            ORIGINS[jobs[0].interpreter].module,
            *(["device.inference.engine"] if jobs[0].variant else []),
        ),
        timeout_s=TIMEOUT_S * len(jobs),
        hear=hear,
    )
    return answers
