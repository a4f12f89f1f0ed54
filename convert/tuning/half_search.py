"""The search of a half: candidates tried on its pictures, the best of them measured on all.

What a half chooses is judged on the other one, which its search has not seen.
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
from convert.output_capture import quiet
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker, stack_inputs
from convert.reference import REFERENCE_VARIANT
from convert.tuning.cost import InvokeCost
from convert.tuning.drop_model import MeasuredDrop
from convert.tuning.evaluator import Evaluator, Judged
from convert.tuning.output_error import OutputError
from convert.tuning.search import Candidate, Explorer, pareto_front
from convert.tuning.selection import ALIKE, choose, id_of, spaced, tell
from convert.tuning.types import Finalist, Fold, Options
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule

INT8 = "int8"
CALIBRATED_ON = 24  # pictures of a half
SCREENED_ON = 32  # others of the same half
FINALISTS = 5
MORE_FINALISTS = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What all candidates of a tuning are made from, and measured with."""

    bundle: Bundle
    options: Options
    trial: Evaluator
    cost: InvokeCost
    float32: Path
    int8: bytes
    int8_looks: Judged
    ends_at_s: float  # on the monotonic clock: from then on no more finalists are added

    def chosen(self, finalists: Sequence[Finalist]) -> Finalist:
        """The one to take of these."""
        return choose(finalists, self.options.max_drop, self.trial.power)


class HalfSearch:
    """The search of one half; it may be concluded with what it has tried at any time."""

    def __init__(
        self, number: int, seen: list[int], unseen: list[int], yardstick: Yardstick, say: Say
    ) -> None:
        """Half ``number``, 0 or 1, of the pictures ``seen``; ``unseen`` are the other half's."""
        self._say = say
        self._number, self._seen, self._unseen = number, seen, unseen
        self._yardstick, options = yardstick, yardstick.options
        drawn = random.Random(options.seed + number).sample(
            seen, min(len(seen), CALIBRATED_ON + SCREENED_ON)
        )
        middle = max(1, len(drawn) * CALIBRATED_ON // (CALIBRATED_ON + SCREENED_ON))
        say(f"calibrating on {middle} of them")
        manifest = yardstick.bundle.manifest
        rule = manifest.decoder
        self._maker = CandidateMaker(
            yardstick.float32.read_bytes(),
            self._inputs(drawn[:middle]),
            manifest.input.value_range,
            options.granularity,
            logits=isinstance(rule, SsdRule) and rule.score == "logit",
            debug=options.debug,
        )
        heads = yardstick.bundle.variant(REFERENCE_VARIANT).heads
        inputs = self._inputs(drawn[middle:])
        self._output_error = OutputError(yardstick.float32, heads, rule, inputs)
        self._explorer = Explorer(
            self._maker, self._output_error, yardstick.cost, options.seed + number, say
        )

    @property
    def layers(self) -> Sequence[str]:
        """Names of the layers that it chooses a precision for."""
        return self._maker.layers

    @property
    def tried(self) -> bool:
        """Whether it has tried anything yet."""
        return bool(self._explorer.tried)

    def run(self, deadline_s: float) -> Fold:
        """Search until ``deadline_s`` on the monotonic clock, and conclude."""
        self._explorer.run(deadline_s, self._yardstick.options.moves)
        return self.conclude()

    def conclude(self) -> Fold:
        """Choose from what was tried, by measuring some of it on all pictures."""
        screened = list(self._explorer.tried.values())
        ranked = pareto_front(screened)
        # Those throughout in int8 tell most of what an output error costs, the worst above all.
        throughout = [item for item in screened if item.choice.throughout]
        first = dict.fromkeys([*throughout, *spaced(ranked, FINALISTS)])
        finalists = self._measure(list(first))
        finalists.append(
            self._finalist(
                name=INT8,
                choice=None,
                cost=1.0,
                output_error=self._output_error(self._yardstick.int8),
                looks=self._yardstick.int8_looks,
                model=self._yardstick.int8,
            )
        )
        between = self._between(ranked, finalists)
        if between and time.monotonic() < self._yardstick.ends_at_s:
            finalists += self._measure(between)
        chosen = self._yardstick.chosen(finalists)
        self._say(f"half {self._number + 1} takes {tell(chosen)}")
        return Fold(screened=screened, finalists=finalists, chosen=chosen)

    def _inputs(self, images: Sequence[int]) -> NDArray[np.float32]:
        rule = self._yardstick.bundle.manifest.input
        paths = [self._yardstick.trial.paths[number] for number in images]
        with quiet(self._yardstick.options.debug):  # libpng has opinions on colour profiles
            return stack_inputs(list(CalibrationInputs(rule, "image").dataset(paths)()))

    def _measure(self, items: Sequence[Candidate]) -> list[Finalist]:
        models = {
            f"half{self._number + 1}-{id_of(item)}": self._maker.make(item.choice) for item in items
        }
        self._say(f"what {len(items)} of them cost, and find on all pictures:")
        costs = self._yardstick.cost.confirm(list(models.values()))
        looks = self._yardstick.trial.look(models)
        found = []
        for item, name, cost in zip(items, models, costs, strict=True):
            found.append(
                self._finalist(
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
        *,
        name: str,
        choice: CandidateSpec | None,
        cost: float,
        output_error: float,
        looks: Judged,
        model: bytes,
    ) -> Finalist:
        trial, seed = self._yardstick.trial, self._yardstick.options.seed
        seen, unseen = (
            MeasuredDrop(
                output_error=output_error,
                drop=trial.drop(looks, half),
                deviation=trial.spread(looks, seed, half)[1],
            )
            for half in (self._seen, self._unseen)
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

    def _between(
        self, ranked: Sequence[Candidate], finalists: Sequence[Finalist]
    ) -> list[Candidate]:
        """Those not measured yet that are cheaper than what is chosen so far."""
        chosen = self._yardstick.chosen(finalists)
        known = {item.choice for item in finalists}
        cheaper = [
            item for item in ranked if item.choice not in known and item.cost * ALIKE < chosen.cost
        ]
        return cheaper[-MORE_FINALISTS:]
