"""The search: proposes candidates and screens them by their cost and their output error."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convert.errors import ConversionError
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker
from convert.tuning.cost import InvokeCost
from convert.tuning.output_error import OutputError
from device.errors import InterpreterError

BATCH = 24  # candidates held at a time
MOVES = 24
LIFTED = (2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48)  # together, the most worthwhile first
SIXTEEN_BITS = 3  # layers of which it is tried
LEAST_COST = 0.002  # by which two costs are told apart
LEAST_GAIN = 0.01  # of output error, for which a cost is paid
TELL_EVERY = 4.0  # seconds

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate, its cost as a multiple of int8's, and its output error of float32's answers."""

    choice: CandidateSpec
    cost: float
    output_error: float
    size_bytes: int


def pareto_front(tried: Sequence[Candidate]) -> list[Candidate]:
    """Those that nothing cheaper equals, cheapest first."""
    kept: list[Candidate] = []
    for item in sorted(tried, key=lambda item: (item.cost, item.output_error)):
        if not kept or item.output_error < kept[-1].output_error * (1 - LEAST_GAIN):
            kept.append(item)
    return kept


class Explorer:
    """Searches in steps, each of which may be the last: :attr:`tried` is always complete.

    First the whole network in int8, in several ways; then each layer alone in float32, which
    tells what it spoils; then the most worthwhile layers together; then small random changes of
    the best so far. The same ``seed`` takes the same steps, where time does not run out.
    """

    def __init__(
        self,
        maker: CandidateMaker,
        output_error: OutputError,
        cost: InvokeCost,
        seed: int,
        say: Say,
    ) -> None:
        self._maker = maker
        self._output_error = output_error
        self._cost = cost
        self._random = random.Random(seed)
        self._say = say
        self._told = 0.0
        self.tried: dict[CandidateSpec, Candidate] = {}

    def run(self, deadline: float, moves: int = MOVES) -> list[Candidate]:
        """Search until ``deadline`` (of ``time.monotonic``); all that was tried."""
        self._deadline = deadline
        self._told = time.monotonic()
        self._try(
            [
                CandidateSpec(corrected=False),
                CandidateSpec(),
                CandidateSpec(ranges="widest"),
                CandidateSpec(rounding="mse"),
                CandidateSpec(rounding="second-order", corrected=False),
                CandidateSpec(rounding="second-order"),
                CandidateSpec(ranges="widest", rounding="second-order"),
                CandidateSpec(equalised=True),
                CandidateSpec(rounding="second-order", equalised=True),
            ],
            "int8",
        )
        base = min(self.tried.values(), key=lambda item: item.output_error)
        alone = {layer: self._lifted(base.choice, [layer]) for layer in self._maker.weighted}
        self._try(list(alone.values()), "each layer alone in float32")
        order = self._worth(base, alone)
        together = [self._lifted(base.choice, order[:count]) for count in LIFTED]
        self._try(together, "the most worthwhile layers in float32")
        self._try(
            [_replaced(base.choice, int16=[layer]) for layer in order[:SIXTEEN_BITS]],
            "layers with int16 activations",
        )
        for _ in range(0, moves, 8):
            self._try([self._moved(base.choice, order) for _ in range(8)], "small changes")
        return list(self.tried.values())

    def _try(self, choices: Sequence[CandidateSpec], what: str) -> None:
        new = [choice for choice in dict.fromkeys(choices) if choice not in self.tried]
        for first in range(0, len(new), BATCH):
            if self.tried and time.monotonic() > self._deadline:
                return
            made: list[tuple[CandidateSpec, bytes, float]] = []
            for choice in new[first : first + BATCH]:
                if self.tried and time.monotonic() > self._deadline:
                    break
                try:
                    model = self._maker.make(choice)
                    made.append((choice, model, self._output_error(model)))
                except (ConversionError, InterpreterError) as exc:
                    self._say(f"passed over: {exc}")
                self._tell(f"{len(self.tried) + len(made):>4} made ({what})")
            costs = self._cost.estimate([model for _, model, _ in made])
            for (choice, model, output_error), cost in zip(made, costs, strict=True):
                self.tried[choice] = Candidate(choice, cost, output_error, len(model))
            if first + BATCH < len(new):  # else the line below tells
                self._tell(f"{len(self.tried):>4} tried ({what})")
        if new and self.tried:
            best = min(self.tried.values(), key=lambda item: item.output_error)
            self._say(
                f"{len(self.tried):>4} tried ({what}): least output error {best.output_error:.4f} "
                f"at {best.cost:.2f} times int8's cost"
            )
            self._told = time.monotonic()

    def _tell(self, progress: str) -> None:
        """That the search goes on, unless something was said a moment ago."""
        if time.monotonic() - self._told > TELL_EVERY:
            self._say(progress)
            self._told = time.monotonic()

    def _worth(self, base: Candidate, alone: dict[int, CandidateSpec]) -> list[int]:
        """Layers that are better in float32, the most gained for what it costs first."""
        worth = {}
        for layer, choice in alone.items():
            item = self.tried.get(choice)
            if item is not None and item.output_error < base.output_error:
                gain = base.output_error - item.output_error
                worth[layer] = gain / max(item.cost - base.cost, LEAST_COST)
        return sorted(worth, key=lambda layer: -worth[layer])

    def _lifted(self, base: CandidateSpec, layers: Sequence[int]) -> CandidateSpec:
        """``base`` with ``layers`` in float32, and what lies between two of them."""
        lifted = set(layers)
        weighted = set(self._maker.weighted)
        for layer in range(len(self._maker.layers)):  # no way back to integers for an ADD
            if layer not in weighted and {layer - 1, layer + 1} <= lifted:
                lifted.add(layer)
        return _replaced(base, floats=lifted)

    def _moved(self, base: CandidateSpec, order: Sequence[int]) -> CandidateSpec:
        """One on the frontier with a layer more or less in float32, most likely a sensible one."""
        start = self._random.choice(pareto_front(list(self.tried.values()))).choice
        lifted = set(start.float_layers)
        near = {layer + step for layer in lifted for step in (-1, 1)} & set(self._maker.weighted)
        pool = sorted(near | set(order[:12]) | lifted)
        if pool:
            lifted ^= {self._random.choice(pool)}
        return self._lifted(base, sorted(lifted))


def _replaced(
    base: CandidateSpec, floats: Sequence[int] | set[int] = (), int16: Sequence[int] = ()
) -> CandidateSpec:
    return dataclasses.replace(base, float_layers=frozenset(floats), int16_layers=frozenset(int16))
