"""Predictions: what every variant of a bundle says of every picture, on all cores."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from convert.errors import EvaluationError
from convert.evaluation.variant_file import ExtendedBundle, VariantFile
from convert.output_capture import quiet
from device.bundle.bundle import Bundle
from device.errors import SourceError
from device.images import read_image
from device.inference.engine import Engine
from device.inference.tiled_engine import TiledEngine
from device.inference.tiles import Grid
from device.records import Classification, Detection, Frame, Result
from device.runtimes import InterpreterName, usable_cores
from device.system.signals import TERMINAL, ending_postponed

WORTH_A_PROCESS = 24  # pictures; starting one takes as long as looking at about ten
CHUNK = 4  # pictures handed to a process at a time

Predictions = NDArray[np.float64]
"""What one variant found on one picture, best score first: float64 (count, 6) with class id,
score, x_min, y_min, x_max, y_max in the picture's pixels; of a classifier (count, 2)."""

Looker = Callable[["Panel", Sequence[Path]], Iterator["dict[str, Predictions] | Unreadable"]]
"""What looks at pictures for :func:`predict`, in order."""

_served: Panel  # in a process of a pool: the one that it works for


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture that nobody could look at, and why, in a line that names it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The variants that look at pictures, and how. One thread each: processes share the cores.

    ``files``, by the name of the variant, are those that the bundle does not hold. With ``tiles``,
    a detector looks at parts of a picture too.
    """

    bundle: Path
    variants: tuple[str, ...]
    interpreter: InterpreterName | Literal["auto"]
    threshold: float
    files: Mapping[str, VariantFile] = field(default_factory=dict)
    tiles: Grid | None = None

    def open(self) -> dict[str, Engine]:
        """An engine per variant. Raises what opening a bundle and its engines raises."""
        bundle = ExtendedBundle(Bundle(self.bundle), self.files)
        make: Callable[..., Engine] = Engine
        if self.tiles is not None:
            make = partial(TiledEngine, grid=self.tiles)
        with quiet(debug=False):  # interpreters announce themselves, once per process
            return {
                name: make(
                    bundle, name, interpreter=self.interpreter, threads=1, threshold=self.threshold
                )
                for name in self.variants
            }

    def interpreters(self) -> dict[str, str]:
        """Name and version of the interpreter that runs each variant. Raises as :meth:`open`."""
        engines = self.open()
        return {
            name: f"{engine.interpreter.name} {engine.interpreter.version}"
            for name, engine in engines.items()
        }


def predict(
    panel: Panel, images: Sequence[Path], looker: Looker | None = None
) -> list[dict[str, Predictions] | Unreadable]:
    """What each variant found on each of ``images``, in order, or why one cannot be read.

    Every picture is decoded once, for all variants. ``looker`` None is this machine, with a
    process per core as far as that is worth it; the results do not depend on who looks. Raises
    what :meth:`Panel.open` raises, and :class:`EvaluationError` where a process is killed.
    """
    looker = looker or partial(look_here, processes=_worthwhile(len(images)))
    with tqdm(total=len(images), desc="pictures", leave=False, disable=None) as bar:
        found = []
        for item in looker(panel, images):
            found.append(item)
            bar.update()
    return found


def _worthwhile(images: int) -> int:
    """How many processes are worth their start."""
    return max(1, min(usable_cores(), images // WORTH_A_PROCESS))


def look_here(
    panel: Panel, images: Sequence[Path], processes: int
) -> Iterator[dict[str, Predictions] | Unreadable]:
    """Look at ``images`` with ``processes`` of this machine; one is this process itself."""
    if processes == 1:
        engines = panel.open()
        yield from (look_at(engines, path) for path in images)
        return
    # Spawned, not forked: interpreters have threads, which do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_serve, initargs=(panel,))
    try:
        # A process half started would fail; and other threads still take what this one blocks.
        with ending_postponed(), _interrupts_blocked():
            results = pool.map(_work, images, chunksize=CHUNK)
        yield from results
    except BrokenProcessPool as exc:
        raise EvaluationError(
            "a process that looks at pictures was killed; was there enough memory?"
        ) from exc
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes that leave Ctrl-C to this one, which then stops them in good order.

    They inherit that the signals of a terminal are blocked. SIGTERM is not: with it the pool ends
    them where one of them was killed.
    """
    if threading.current_thread() is not threading.main_thread():  # gets no signals
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(panel: Panel) -> None:
    """Hand a new process its panel; it is opened later, for an error raised here would be lost."""
    global _served
    _served = panel


@cache
def _engines() -> dict[str, Engine]:
    return _served.open()


def _work(path: Path) -> dict[str, Predictions] | Unreadable:
    return look_at(_engines(), path)


def look_at(engines: dict[str, Engine], path: Path) -> dict[str, Predictions] | Unreadable:
    """What each engine finds on the picture at ``path``, or why it cannot be read."""
    try:
        frame = Frame(read_image(path), 0, 0.0)
    except SourceError as exc:
        return Unreadable(str(exc))
    return {name: as_array(engine.run(frame)) for name, engine in engines.items()}


def as_array(result: Result) -> Predictions:
    """What an engine returned, detector or classifier, as :data:`Predictions`."""
    if result.classes is not None:
        pairs = [(item.class_id, item.score) for item in result.classes]
        return np.array(pairs, np.float64).reshape(-1, 2)
    rows = [(item.class_id, item.score, *item.box) for item in result.detections]
    return np.array(rows, np.float64).reshape(-1, 6)


def as_detections(found: Predictions, labels: Sequence[str], threshold: float) -> list[Detection]:
    """The detections of at least ``threshold``."""
    return [
        Detection(int(row[0]), labels[int(row[0])], *row[1:])
        for row in found[found[:, 1] >= threshold].tolist()
    ]


def as_classes(found: Predictions, labels: Sequence[str]) -> list[Classification]:
    """The classes that a classifier named."""
    return [Classification(int(row[0]), labels[int(row[0])], row[1]) for row in found.tolist()]
