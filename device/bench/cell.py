"""A cell of a benchmark: one combination, and what its rounds measured."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from device.bench.combination import Combination
from device.bench.job import Bare, Frames, Invokes, WorkerJob
from device.bench.record import (
    BenchmarkSettings,
    CombinationResult,
    EndToEnd,
    MemoryUse,
    Reference,
)
from device.bench.reference import Loop, references_for
from device.bench.timing import summarise
from device.bundle.bare_model import BareModel
from device.bundle.model import Model
from device.errors import InterpreterError
from device.runtimes import installed_interpreters
from device.system.isolated_process import ask

WORKER = "device.bench.worker"


class Cell:
    """One combination, and what the rounds found so far."""

    def __init__(
        self, bundle: Model, combination: Combination, settings: BenchmarkSettings, scratch: Path
    ) -> None:
        self.combination = combination
        # Some kernels take as long as their numbers demand: others' loops get the same input.
        self._input = scratch / "{}-{}-{}.npy".format(*combination)
        self._spec = bundle.variant(combination.variant)
        self._model = (bundle.folder / self._spec.file).resolve()
        self._job = job_for(bundle, combination, settings)
        self._invokes: list[Invokes] = []
        self._frames: list[Frames] = []
        self._references: dict[str, list[float]] = {}
        self._broken_references: dict[str, str] = {}
        steps = [self._time_invokes]
        if settings.source is not None:
            steps.append(self._time_frames)
        if settings.references:
            for name, measure in references_for(combination.interpreter).items():
                self._references[name] = []
                steps.append(functools.partial(self._time_reference, name, measure))
        self.steps: list[Callable[[], None]] = steps
        check = self._spec.checks.get(combination.interpreter)
        self.error = f"known to fail: {check.reason}" if check is not None and not check.ok else ""

    def run(self, round_number: int, done: Callable[[], None]) -> None:
        """One round: every step once, beginning with another each time; ``done`` after each."""
        first = round_number % len(self.steps)
        for step in self.steps[first:] + self.steps[:first]:
            if not self.error:
                try:
                    step()
                except InterpreterError as exc:
                    self.error = str(exc)
            done()

    def _time_invokes(self) -> None:
        keep_input = str(self._input) if self._references else None
        job = msgspec.structs.replace(self._job, source=None, keep_input=keep_input)
        self._invokes.append(ask(WORKER, job, Invokes, str(self.combination)))

    def _time_frames(self) -> None:
        self._frames.append(ask(WORKER, self._job, Frames, str(self.combination)))

    def _time_reference(self, name: str, measure: Callable[[Loop], float]) -> None:
        if name in self._broken_references:
            return
        loop = Loop(
            self._model,
            self._input,
            self.combination.interpreter,
            self.combination.threads,
            self._job.warmups,
            len(self._invokes[-1].invoke_ms),
        )
        try:
            self._references[name].append(measure(loop))
        except InterpreterError as exc:
            self._broken_references[name] = str(exc)

    def result(self) -> CombinationResult:
        """What all rounds found."""
        variant, interpreter, threads = self.combination
        version = installed_interpreters().get(interpreter, "")
        empty = CombinationResult(
            variant=variant,
            interpreter=interpreter,
            version=version,
            threads=threads,
            size_bytes=self._spec.size_bytes,
            error=self.error,
        )
        if self.error:
            return empty
        rounds_ms = tuple(one.invoke_ms for one in self._invokes)
        invoke = summarise([time_ms for times_ms in rounds_ms for time_ms in times_ms])
        cost_ms = _median(one.timing_cost_ms for one in self._invokes)
        return msgspec.structs.replace(
            empty,
            delegate=self._invokes[0].delegate,
            import_ms=_median(one.import_ms for one in self._invokes),
            load_ms=_median(one.load_ms for one in self._invokes),
            first_invoke_ms=_median(one.first_invoke_ms for one in self._invokes),
            invoke=invoke,
            fps=round(1e3 / invoke.mean_ms, 2),
            timing_cost_percent=round(100 * cost_ms / invoke.median_ms, 4),
            cpu_percent=_median(one.cpu_percent for one in self._invokes),
            memory=_typical([one.memory for one in self._invokes]),
            rounds_ms=rounds_ms,
            end_to_end=_end_to_end(self._frames) if self._frames else None,
            references=tuple(
                self._reference(name, medians_ms) for name, medians_ms in self._references.items()
            ),
        )

    def _reference(self, name: str, medians_ms: list[float]) -> Reference:
        if error := self._broken_references.get(name):
            return Reference(name=name, error=error)
        pairs = zip(self._invokes, medians_ms, strict=True)
        ratios = [statistics.median(ours.invoke_ms) / theirs for ours, theirs in pairs]
        return Reference(
            name=name,
            median_ms=_median(medians_ms),
            ratio=round(statistics.median(ratios), 4),
            rounds_ms=tuple(round(median_ms, 4) for median_ms in medians_ms),
        )


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 4)


def _typical(memories: Sequence[MemoryUse]) -> MemoryUse:
    """The median of what was resident, and the greatest peak."""
    shares = [one.proportional_mb for one in memories if one.proportional_mb is not None]
    return MemoryUse(
        resident_mb=round(_median(one.resident_mb for one in memories), 1),
        proportional_mb=round(_median(shares), 1) if shares else None,
        peak_mb=max(one.peak_mb for one in memories),
    )


def _end_to_end(rounds: Sequence[Frames]) -> EndToEnd:
    frame = summarise([time_ms for one in rounds for time_ms in one.frame_ms])
    return EndToEnd(
        fps=round(1e3 / frame.mean_ms, 2),
        frame=frame,
        age=summarise([time_ms for one in rounds for time_ms in one.age_ms]),
        stages={
            stage: summarise([time_ms for one in rounds for time_ms in one.stages_ms[stage]])
            for stage in rounds[0].stages_ms
        },
        dropped=sum(one.dropped for one in rounds),
        cpu_percent=_median(one.cpu_percent for one in rounds),
        memory=_typical([one.memory for one in rounds]),
        rounds_ms=tuple(one.frame_ms for one in rounds),
    )


def job_for(bundle: Model, combination: Combination, settings: BenchmarkSettings) -> WorkerJob:
    """What the process that measures ``combination`` is told.

    Paths are made absolute: it runs in another folder.
    """
    source = settings.source
    if source is not None and Path(source).exists():
        source = str(Path(source).resolve())
    return WorkerJob(
        bundle=str(bundle.folder.resolve()),
        **combination._asdict(),
        warmups=settings.warmups,
        min_count=settings.min_count,
        min_time_s=settings.min_time_s,
        source=source,
        seed=settings.seed,
        bare=_bare(bundle),
        delegate=settings.delegate,
    )


def _bare(bundle: Model) -> Bare | None:
    if not isinstance(bundle, BareModel):
        return None
    return Bare(
        manifest=bundle.manifest,
        labels=bundle.labels,
        anchors=None if bundle.anchors is None else bundle.anchors.tobytes(),
    )
