"""The tuner: finds the cheapest mixed-precision variant that keeps an accuracy limit.

The pictures are split in two halves. Each half is searched on its own, and what was chosen there
is judged on the other, which the search has not seen. Joined, the two judgements cover every
picture once. What is promised is the drop to be expected there, by what all finalists lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.calibration.images import CalibrationInputs
from convert.evaluation.bootstrap import in_resamples
from convert.evaluation.predict import Looker
from convert.output_capture import quiet
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker, stack_inputs
from convert.reference import REFERENCE_VARIANT
from convert.tuning.cost import invoke_cost
from convert.tuning.drop_model import MeasuredDrop
from convert.tuning.evaluator import Evaluator, Judged
from convert.tuning.output_error import OutputError
from convert.tuning.search import Candidate, Explorer, pareto_front
from convert.tuning.selection import (
    ALIKE,
    choose,
    holds,
    id_of,
    refuse_little,
    refuse_noise,
    spaced,
    tell,
)
from convert.tuning.types import Finalist, Fold, Options, TuningResult
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule
from device.errors import UsageError

INT8 = "int8"
CALIBRATED_ON = 24  # pictures of a half
SCREENED_ON = 32  # others of the same half
FINALISTS = 5
MORE_FINALISTS = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """A half's search under way."""

    number: int
    seen: list[int]
    unseen: list[int]
    maker: CandidateMaker
    output_error: OutputError
    explorer: Explorer


class Tuner:
    """Runs the search; :attr:`outcome` holds the best so far whenever it is interrupted."""

    def __init__(
        self,
        bundle: Bundle,
        sets: Sequence[tuple[Path, Path | None]],
        options: Options,
        scratch: Path,
        say: Say,
        int8: bytes | None = None,
        looker: Looker | None = None,
    ) -> None:
        """``int8`` stands for the bundle's own; ``looker`` is as for :func:`.predict`.

        Raises ``UsageError`` where the bundle has no int8.
        """
        self._bundle, self._options, self._say = bundle, options, say
        for name in (REFERENCE_VARIANT, INT8):
            if name not in bundle.manifest.variants:
                raise UsageError(
                    f"{bundle.folder} has no {name}, which tuning starts from: build it with "
                    f"--variants {REFERENCE_VARIANT},{INT8}"
                )
        self._started = time.monotonic()
        self._search_now: _Search | None = None
        self._halves: tuple[list[int], list[int]] = [], []
        self._float32 = bundle.file(bundle.variant(REFERENCE_VARIANT).file)
        self._int8 = int8 or bundle.file(bundle.variant(INT8).file).read_bytes()
        self._trial = Evaluator(bundle, sets, scratch, say, looker)
        self._cost = invoke_cost(options.target, self._int8)
        count = len(self._trial.paths)
        say(f"{count} pictures, {self._trial.metric}; cost: {self._cost.unit}")
        (looks,) = self._trial.look({INT8: self._int8}).values()
        self._int8_looks = looks
        spread, deviation = self._trial.spread(looks, options.seed)
        drop = self._trial.drop(looks)
        (cost,) = self._cost.confirm([self._float32.read_bytes()])
        self.outcome = TuningResult(
            metric=self._trial.metric,
            unit=self._cost.unit,
            images=count,
            base_drop=drop,
            base_interval=spread,
            float32_cost=cost,
        )
        score = self._trial.score
        say(
            f"float32 scores {score:.2f} points at {cost:.2f} times int8's cost; int8 loses "
            f"{drop:.2f}{in_resamples(spread)}"
        )
        refuse_little(options.max_drop, score, self._trial.metric)
        refuse_noise(options.max_drop, deviation, count)

    def run(self) -> TuningResult:
        """Search both halves, and judge. Raises what its parts raise."""
        count = len(self._trial.paths)
        order = list(range(count))
        random.Random(self._options.seed).shuffle(order)
        self._halves = halves = sorted(order[: count // 2]), sorted(order[count // 2 :])
        for number, seen in enumerate(halves):
            unseen = halves[1 - number]
            share = 0.45 * (number + 1)  # of the time, the rest being for the finalists
            deadline = self._started + self._options.minutes * 60 * share
            self._say(f"half {number + 1} of 2: {len(seen)} pictures")
            half = self._search(number, seen, unseen, deadline)
            self.outcome.halves.append(half)
            self._judge()
        self.outcome.finished = True
        return self.outcome

    def settle(self, say: Say) -> TuningResult:
        """The best so far of an interrupted :meth:`run`, judged on the half it was not chosen on.

        Where the first half is still searched, what it tried so far is measured now. Raises
        ``KeyboardInterrupt`` where it tried nothing yet.
        """
        self._say = say
        if not self.outcome.halves:
            if self._search_now is None or not self._search_now.explorer.tried:
                raise KeyboardInterrupt
            say("interrupted: measuring the best so far; Ctrl-C again leaves the bundle as it is")
            self.outcome.halves.append(self._conclude(self._search_now))
        if self.outcome.kept is None:
            self._judge()
        return self.outcome

    def _inputs(self, images: Sequence[int]) -> NDArray[np.float32]:
        rule = self._bundle.manifest.input
        paths = [self._trial.paths[number] for number in images]
        with quiet(self._options.debug):  # libpng has opinions on colour profiles
            return stack_inputs(list(CalibrationInputs(rule, "image").dataset(paths)()))

    def _search(self, number: int, seen: list[int], unseen: list[int], deadline: float) -> Fold:
        options, manifest = self._options, self._bundle.manifest
        rule = manifest.decoder
        drawn = random.Random(options.seed + number).sample(
            seen, min(len(seen), CALIBRATED_ON + SCREENED_ON)
        )
        middle = max(1, len(drawn) * CALIBRATED_ON // (CALIBRATED_ON + SCREENED_ON))
        self._say(f"calibrating on {middle} of them")
        maker = CandidateMaker(
            self._float32.read_bytes(),
            self._inputs(drawn[:middle]),
            manifest.input.value_range,
            options.granularity,
            logits=isinstance(rule, SsdRule) and rule.score == "logit",
            debug=options.debug,
        )
        heads = self._bundle.variant(REFERENCE_VARIANT).heads
        output_error = OutputError(
            self._float32, heads, manifest.decoder, self._inputs(drawn[middle:])
        )
        explorer = Explorer(maker, output_error, self._cost, options.seed + number, self._say)
        self.outcome.layers = maker.layers
        self._search_now = search = _Search(
            number=number,
            seen=seen,
            unseen=unseen,
            maker=maker,
            output_error=output_error,
            explorer=explorer,
        )
        explorer.run(deadline, options.moves)
        return self._conclude(search)

    def _conclude(self, search: _Search) -> Fold:
        """Choose from what was tried, by measuring some of it on all pictures."""
        screened = list(search.explorer.tried.values())
        ranked = pareto_front(screened)
        # Those throughout in int8 tell most of what an output error costs, the worst above all.
        throughout = [item for item in screened if item.choice.throughout]
        first = dict.fromkeys([*throughout, *spaced(ranked, FINALISTS)])
        finalists = self._measure(search, list(first))
        finalists.append(
            self._finalist(
                search,
                name=INT8,
                choice=None,
                cost=1.0,
                output_error=search.output_error(self._int8),
                looks=self._int8_looks,
                model=self._int8,
            )
        )
        between = self._between(ranked, finalists)
        if between and time.monotonic() < self._started + self._options.minutes * 60:
            finalists += self._measure(search, between)
        chosen = self._choose(finalists)
        self._say(f"half {search.number + 1} takes {tell(chosen)}")
        return Fold(screened=screened, finalists=finalists, chosen=chosen)

    def _measure(self, search: _Search, items: Sequence[Candidate]) -> list[Finalist]:
        models = {
            f"half{search.number + 1}-{id_of(item)}": search.maker.make(item.choice)
            for item in items
        }
        self._say(f"what {len(items)} of them cost, and find on all pictures:")
        costs = self._cost.confirm(list(models.values()))
        looks = self._trial.look(models)
        found = []
        for item, name, cost in zip(items, models, costs, strict=True):
            found.append(
                self._finalist(
                    search,
                    name=name,
                    choice=item.choice,
                    cost=cost,
                    output_error=item.output_error,
                    looks=looks[name],
                    model=models[name],
                )
            )
            self._say(f"  {tell(found[-1])}")
        return found

    def _finalist(
        self,
        search: _Search,
        *,
        name: str,
        choice: CandidateSpec | None,
        cost: float,
        output_error: float,
        looks: Judged,
        model: bytes,
    ) -> Finalist:
        seen, unseen = (
            MeasuredDrop(
                output_error=output_error,
                drop=self._trial.drop(looks, half),
                deviation=self._trial.spread(looks, self._options.seed, half)[1],
            )
            for half in (search.seen, search.unseen)
        )
        return Finalist(
            name=name,
            choice=choice,
            cost=cost,
            seen=seen,
            unseen=unseen,
            looks=looks,
            model=model,
        )

    def _choose(self, finalists: Sequence[Finalist]) -> Finalist:
        return choose(finalists, self._options.max_drop, self._trial.power)

    def _between(
        self, ranked: Sequence[Candidate], finalists: Sequence[Finalist]
    ) -> list[Candidate]:
        """Those not measured yet that are cheaper than what is chosen so far."""
        chosen = self._choose(finalists)
        known = {item.choice for item in finalists}
        cheaper = [
            item for item in ranked if item.choice not in known and item.cost * ALIKE < chosen.cost
        ]
        return cheaper[-MORE_FINALISTS:]

    def _judge(self) -> None:
        """The drop on pictures that the search had not seen, from the halves searched so far."""
        outcome, limit = self.outcome, self._options.max_drop
        parts = [
            (half.chosen.looks, unseen)
            for half, unseen in zip(outcome.halves, reversed(self._halves), strict=False)
        ]
        looks = self._trial.joined(parts)
        judged = [image for _, unseen in parts for image in unseen]
        outcome.drop = self._trial.drop(looks, judged)
        outcome.interval, _ = self._trial.spread(looks, self._options.seed, judged)
        expected = [half.expected_unseen(self._trial.power) for half in outcome.halves]
        outcome.expected = float(np.mean(expected))
        best, outcome.kept_expected = min(
            zip(outcome.halves, expected, strict=True),
            key=lambda pair: (pair[1] > limit, pair[0].chosen.cost, pair[1]),
        )
        outcome.kept = best.chosen
        outcome.met = holds(outcome, limit)
        self._say(
            f"best so far {tell(best.chosen)}; on pictures not searched {outcome.drop:.2f} "
            f"points{in_resamples(outcome.interval)}, {outcome.expected:.2f} to be expected"
        )
