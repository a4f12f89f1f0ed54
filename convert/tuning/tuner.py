"""The tuner: finds the cheapest mixed-precision variant that keeps an accuracy limit.

The pictures are split in two halves. Each is searched on its own, and what was chosen there is
judged on the other, which the search has not seen. Joined, the two judgements cover every
picture once. What is promised is the drop to be expected there, by what all finalists lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convert.evaluation.bootstrap import in_resamples
from convert.evaluation.predict import Looker
from convert.reference import REFERENCE_VARIANT
from convert.tuning.cost import invoke_cost
from convert.tuning.evaluator import Evaluator
from convert.tuning.half_search import INT8, HalfSearch, Say, Yardstick
from convert.tuning.selection import (
    holds,
    refuse_little,
    refuse_noise,
    tell,
)
from convert.tuning.types import Options, TuningResult
from device.bundle.bundle import Bundle
from device.errors import UsageError


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
        self._started_s = time.monotonic()
        self._search: HalfSearch | None = None  # the one under way
        self._halves: tuple[list[int], list[int]] = [], []
        float32 = bundle.file(bundle.variant(REFERENCE_VARIANT).file)
        int8 = int8 or bundle.file(bundle.variant(INT8).file).read_bytes()
        self._trial = Evaluator(bundle, sets, scratch, say, looker)
        cost = invoke_cost(options.target, int8)
        count = len(self._trial.paths)
        say(f"{count} pictures, {self._trial.metric}; cost: {cost.unit}")
        (looks,) = self._trial.look({INT8: int8}).values()
        spread, deviation = self._trial.spread(looks, options.seed)
        drop = self._trial.drop(looks)
        (float32_cost,) = cost.confirm([float32.read_bytes()])
        self.outcome = TuningResult(
            metric=self._trial.metric,
            unit=cost.unit,
            images=count,
            base_drop=drop,
            base_interval=spread,
            float32_cost=float32_cost,
        )
        score = self._trial.score
        say(
            f"float32 scores {score:.2f} points at {float32_cost:.2f} times int8's cost; "
            f"int8 loses {drop:.2f}{in_resamples(spread)}"
        )
        refuse_little(options.max_drop, score, self._trial.metric)
        refuse_noise(options.max_drop, deviation, count)
        self._yardstick = Yardstick(
            bundle=bundle,
            options=options,
            trial=self._trial,
            cost=cost,
            float32=float32,
            int8=int8,
            int8_looks=looks,
            ends_at_s=self._started_s + options.minutes * 60,
        )

    def run(self) -> TuningResult:
        """Search both halves, and judge. Raises what its parts raise."""
        count = len(self._trial.paths)
        order = list(range(count))
        random.Random(self._options.seed).shuffle(order)
        self._halves = halves = sorted(order[: count // 2]), sorted(order[count // 2 :])
        for number, seen in enumerate(halves):
            unseen = halves[1 - number]
            share = 0.45 * (number + 1)  # of the time, the rest being for the finalists
            deadline_s = self._started_s + self._options.minutes * 60 * share
            self._say(f"half {number + 1} of 2: {len(seen)} pictures")
            # Asked anew at each word: an interruption may have it said elsewhere.
            self._search = HalfSearch(
                number, seen, unseen, self._yardstick, lambda text: self._say(text)
            )
            self.outcome.layers = self._search.layers
            self.outcome.halves.append(self._search.run(deadline_s))
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
            if self._search is None or not self._search.tried:
                raise KeyboardInterrupt
            say("interrupted: measuring the best so far; Ctrl-C again leaves the bundle as it is")
            self.outcome.halves.append(self._search.conclude())
        if self.outcome.kept is None:
            self._judge()
        return self.outcome

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
