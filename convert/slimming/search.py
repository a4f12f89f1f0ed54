"""A search for a smaller network: students made in turn, each judged."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Iterator

import msgspec

from convert.compression.cost_model import network_instructions
from convert.errors import TrainingError
from convert.models.anchors import AnchorLayout
from convert.models.layer_weights import kernel_shapes, parameters
from convert.slimming.held_out import HeldOut, Look, LookPair, lost
from convert.slimming.ladder import (
    LEFT_OUT,
    Move,
    Rung,
    next_towards,
    next_within,
    steps_towards,
)
from convert.slimming.log import TrialFigures
from convert.slimming.progress import FinishedStep, Progress, load_progress, save_progress
from convert.slimming.selection import Judgement, Trial, in_turn
from convert.slimming.student import Student, Studio, network_of
from convert.slimming.task import SlimTask
from convert.training.input_size import boxes_of, choose_layout
from convert.training.interrupt import Interrupt
from convert.training.schedule import Budget
from convert.tuning.selection import refuse_noise

# Of the time left, what a network of a search by a promise gets: later ones are mostly smaller, and
# see as many images in less. A search ends when so little of all its time is left.
SHARE = 0.3
LITTLE = 0.05
WORTH = 0.95  # of a cost: what split convolutions must leave of it to be trained

Say = Callable[[str], None]


class Search:
    """The search on one dataset: students made in turn, each judged."""

    def __init__(self, task: SlimTask, say: Say) -> None:
        """Take the whole network's measure. Raises what its parts raise."""
        original, dataset, options = task.original, task.dataset, task.options
        self._original, self._dataset, self._options, self._say = original, dataset, options, say
        self._kernels = kernel_shapes(original.weights)
        self.whole_instructions = self._instructions(original.size)
        self._size = options.size or original.size
        self._is_fixed = options.size is not None
        # Channels are cut before anything was learnt at a side: labels make up for that.
        self._mixed = not task.taught
        self._left_s = options.seconds
        # With --low-rank they are split from the beginning.
        self._left_out = 0.0 if options.low_rank else LEFT_OUT
        self._progress = Progress(self._settings(task.taught))
        self.students: list[Student] = []
        if options.resume:
            self._take_up()
        options.work.mkdir(parents=True, exist_ok=True)
        self.held_out = HeldOut(original, dataset, task.labelled, task.looker)
        whole = network_of(Student(original.weights, original.layout), original.labels)
        self.held_out.label(whole)
        self._whole = self.held_out.look(whole, original.layout)
        self._refuse_noise()
        self._looks: list[Look] = [self._look(student) for student in self.students]
        self._studio = Studio(task, self.held_out, say)
        say(
            f"whole       {original.size}x{original.size}, {parameters(original.weights):,} "
            f"parameters, about {self.whole_instructions / 1e6:.1f} million instructions in int8 "
            f"on a {'Pi 4' if options.board == 'pi4' else 'Pi 5'}"
        )

    def _refuse_noise(self) -> None:
        """Raise ``EvaluationError`` where the pictures cannot tell what was promised.

        Before anything is trained: what int8 of the whole network loses varies no more than what
        a smaller one loses.
        """
        max_drop = self._options.max_drop
        if max_drop is None or not self.whole_looks.has_int8:
            return
        deviation = lost(self._whole, self.whole_looks.int8, self._options.seed)[2]
        refuse_noise(max_drop, deviation, self._whole.images)

    @functools.cached_property
    def whole_looks(self) -> LookPair:
        """What the whole network found; float32 twice where its bundle has no int8."""
        bundle = self._original.bundle
        if "int8" not in bundle.manifest.variants:
            return LookPair(self._whole, self._whole)
        return LookPair(self._whole, self.held_out.look_of_variant(bundle.folder, "int8"))

    @property
    def max_drop(self) -> float | None:
        """The promise, in points; None where nothing was promised."""
        return self._options.max_drop

    def _settings(self, taught: bool) -> dict[str, str]:
        options = self._options
        return {
            "bundle": str(self._original.bundle.folder.resolve()),
            "images": str(len(self._dataset.train)),
            "seed": str(options.seed),
            "board": options.board,
            "size": str(options.size),
            "costs": str(options.costs),
            "low rank": str(options.low_rank),
            "anchors": "where cells look",  # those of searches before lie elsewhere
            # So were all, also of labels, before there was a choice.
            **({} if taught else {"learns from": "labels alone", "channels": "with the pixels"}),
        }

    def _take_up(self) -> None:
        progress, weights = load_progress(self._options.work)
        progress.require(self._progress.settings)
        self._progress = progress
        self.students = [
            Student(item, self._layout(step.size, step.anchor_scale))
            for item, step in zip(weights, progress.steps, strict=True)
        ]
        self._say(f"goes on     after {len(self.students)} networks")

    def _instructions(self, size: int) -> float:
        return network_instructions(self._kernels, size, self._options.board)

    def _cost(self, size: int) -> float:
        return self._instructions(size) / self.whole_instructions

    def _look(self, student: Student) -> Look:
        return self.held_out.look(network_of(student, self._original.labels), student.layout)

    def _history(self) -> list[Rung]:
        return [
            Rung(
                Move(step.size, step.goal, step.parent, step.left_out),
                self._cost_of(student),
                step.drop,
            )
            for step, student in zip(self._progress.steps, self.students, strict=True)
        ]

    def _cost_of(self, student: Student) -> float:
        return student.instructions(self._options.board) / self.whole_instructions

    def _next(self) -> Move | None:
        options, history = self._options, self._history()
        if options.costs:
            return next_towards(
                history, options.costs, self._size, self._cost, self._is_fixed, self._mixed
            )
        assert options.max_drop is not None
        if options.epochs is None and self._left_s < LITTLE * options.seconds:
            return None
        return next_within(
            history,
            self._size,
            options.max_drop,
            self._cost,
            self._is_fixed,
            self._left_out,
            self._mixed,
        )

    def search(self, interrupt: Interrupt) -> None:
        """Make networks until nothing is left to try, the time is up, or Ctrl-C."""

        def stopped() -> bool:
            return interrupt.came

        with interrupt.caught():  # also while one is cut or judged: the others are not to be lost
            while not stopped() and (move := self._next()) is not None:
                if not self._make(move, stopped):
                    return

    def _make(self, move: Move, stopped: Callable[[], bool]) -> bool:
        """Make a network and judge it; False where the search cannot go on from it."""
        parent = self.students[move.parent] if move.parent >= 0 else self._first(move.size)
        self._say(f"network     {move.name}")
        student = Student(parent.weights, self._layout(move.size))
        if move.left_out:
            split = self._studio.split(student, move.left_out)
            share = self._cost_of(split) / self._cost_of(student)
            if share > WORTH:
                self._say(f"            not trained: it would spare {1 - share:.1%} of the cost")
                self._left_out = 0.0
                return True
            student = split
        if move.cost is not None:
            goal = move.cost * self.whole_instructions
            try:
                student = self._studio.narrowed(student, goal)
            except TrainingError as exc:
                if not self.students:
                    raise
                self._say(f"            {exc}")
                return False
        began = time.monotonic()
        student = self._studio.trained(student, self._budget(), stopped)
        self._left_s -= time.monotonic() - began
        if stopped():  # half trained: it would be judged below its worth
            return False
        self._add(move, student)
        return True

    def _first(self, size: int) -> Student:
        student = Student(self._original.weights, self._layout(size))
        if not self._options.low_rank:
            return student
        return self._studio.split(student, self._options.low_rank)

    def _layout(self, size: int, scale: float | None = None) -> AnchorLayout:
        """The anchors of a student of ``size`` pixels; ``scale`` is of one that was made before."""
        original = self._original.layout
        if size == original.size:
            return original
        if scale is not None:
            return AnchorLayout(size, scale)
        if not self.held_out.labelled:
            # Little is learnt without labels, so all pixels are kept: COCO's network at 268 has
            # mAP 0.328 so, and 0.308 with anchors that fit more of what it found itself.
            return AnchorLayout(size, original.pixels / size)
        return choose_layout(boxes_of(self._dataset.train), size, original.pixels)

    def _budget(self) -> Budget:
        options = self._options
        if options.epochs is not None:
            return Budget(steps=options.epochs * self._studio.epoch_steps)
        seconds = SHARE * self._left_s
        if options.costs:
            networks = steps_towards(
                options.costs, self._size, self._cost, self._is_fixed, self._mixed
            )
            seconds = options.seconds / max(1, networks)
        return Budget(self._studio.most_steps, seconds)

    def _add(self, move: Move, student: Student) -> None:
        look = self._look(student)
        drop, spread, _ = lost(self._whole, look, self._options.seed)
        distance = self._studio.distance(student)
        self.students.append(student)
        self._looks.append(look)
        step = FinishedStep(
            move.size, move.cost, move.parent, drop, distance, student.layout.scale, move.left_out
        )
        self._progress = msgspec.structs.replace(
            self._progress, steps=(*self._progress.steps, step)
        )
        save_progress(self._options.work, self._progress, student.weights)
        told = "" if spread is None else f" ({spread[0]:.2f} to {spread[1]:.2f})"
        self._say(
            f"            {self._cost_of(student):.3f} times the cost, "
            f"{parameters(student.weights):,} parameters: {drop:.2f} points lost{told} on "
            f"{self._whole.images} pictures"
        )

    def _trials(self) -> list[Trial]:
        return [
            Trial(name, cost, step.distance, look)
            for name, cost, step, look in zip(
                self.names(),
                map(self._cost_of, self.students),
                self._progress.steps,
                self._looks,
                strict=True,
            )
        ]

    def verdicts(self) -> Iterator[Judgement]:
        """Which students may be kept, as :func:`.selection.in_turn` says; raises what it does."""
        return in_turn(self._whole, self._trials(), self.max_drop, self._options.seed)

    def look(self, at: int) -> Look:
        """What the student at ``at`` found, in float32."""
        return self._looks[at]

    def names(self) -> list[str]:
        """A name for each student."""
        return [item.move.name for item in self._history()]

    def figures(self, kept: int | None = None) -> tuple[TrialFigures, ...]:
        """Every student's figures."""
        return tuple(
            TrialFigures(
                name=name,
                size=student.size,
                cost=round(self._cost_of(student), 4),
                instructions=round(student.instructions(self._options.board)),
                parameters=parameters(student.weights),
                distance=round(step.distance, 5),
                drop=round(step.drop, 4),
                kept=at == kept,
            )
            for at, (name, student, step) in enumerate(
                zip(self.names(), self.students, self._progress.steps, strict=True)
            )
        )

    def clear(self) -> None:
        """Remove the small copies of images: a finished search has no more use for them."""
        for folder in self._options.work.glob("images-*"):
            shutil.rmtree(folder, ignore_errors=True)
