"""Records of a search: what was asked, its folds and finalists, and what it came to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from convert.evaluation.bootstrap import Interval
from convert.quantization.candidate_spec import CandidateSpec, Granularity
from convert.tuning.cost import Target
from convert.tuning.drop_model import MeasuredDrop, expected_drops
from convert.tuning.evaluator import Judged
from convert.tuning.search import MOVES, Candidate


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a search, as the flags of ``convert tune`` give them."""

    max_drop: float  # points
    target: Target = "here"
    minutes: float = 15.0
    seed: int = 0
    moves: int = MOVES
    granularity: Granularity = "channel"
    debug: bool = False


@dataclass(slots=True, kw_only=True)
class Finalist:
    """A candidate that looked at all pictures; ``cost`` is a multiple of int8's.

    ``choice`` None is the bundle's own int8. ``seen`` is what it loses on the half that was
    searched, ``unseen`` on the other. ``model`` is its ``.tflite`` file.
    """

    name: str
    choice: CandidateSpec | None
    cost: float
    seen: MeasuredDrop
    unseen: MeasuredDrop
    looks: Judged = field(repr=False)
    model: bytes = field(repr=False)

    @property
    def output_error(self) -> float:
        """How far its raw outputs are from float32's."""
        return self.seen.output_error

    @property
    def size_bytes(self) -> int:
        """Of its file."""
        return len(self.model)


@dataclass(slots=True, kw_only=True)
class Fold:
    """One half's search: everything screened, the finalists, and the one chosen."""

    screened: list[Candidate]
    finalists: list[Finalist]
    chosen: Finalist

    def expected_unseen(self, power: float) -> float:
        """What the chosen one loses on the other half, luck left out: see drop_model."""
        there = [item.unseen for item in self.finalists]
        drops = zip(self.finalists, expected_drops(there, power), strict=True)
        return next(drop for item, drop in drops if item is self.chosen)


@dataclass(slots=True, kw_only=True)
class TuningResult:
    """The result of a search.

    ``drop`` is that of pictures unseen by the search that chose, with its interval; ``expected``
    the same with luck left out, ``kept_expected`` that of the variant kept alone.
    """

    metric: str
    unit: str
    images: int
    base_drop: float
    base_interval: Interval | None
    float32_cost: float = math.nan  # a multiple of int8's
    layers: Sequence[str] = ()  # their outputs' names, as :class:`CandidateSpec` numbers them
    halves: list[Fold] = field(default_factory=list)
    kept: Finalist | None = None
    drop: float = math.nan
    interval: Interval | None = None
    expected: float = math.nan
    kept_expected: float = math.nan
    met: bool = False
    finished: bool = False
