"""The tuning log: what `convert tune` tried, as JSON beside the bundle's manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from convert.evaluation.bootstrap import Interval
from convert.side_file import read_side_file, write_side_file

if TYPE_CHECKING:  # a report only reads, and need not wait for what a search needs
    from convert.quantization.candidate_spec import CandidateSpec
    from convert.tuning.search import Candidate
    from convert.tuning.types import Finalist, Fold, Options, TuningResult

TUNING = "tuning.json"


class TrialRecord(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"output_error": "disturbance"}
):
    """A candidate; ``cost`` is a multiple of int8's, drops are in points.

    Only finalists looked at all pictures, and have drops: on the half that was searched, and on
    the other.
    """

    name: str
    how: str
    cost: float
    output_error: float
    size_bytes: int
    frontier: bool = False
    chosen: bool = False
    drop_seen: float | None = None
    drop_unseen: float | None = None


class TuningLog(msgspec.Struct, frozen=True, rename={"images": "pictures"}):
    """A search: what was asked, what came of it, and every candidate of each half."""

    metric: str
    cost_unit: str
    max_drop: float
    seed: int
    images: int
    int8_drop: float
    int8_drop_interval: Interval | None
    drop: float | None
    drop_interval: Interval | None
    met: bool
    finished: bool
    kept: str
    halves: tuple[tuple[TrialRecord, ...], ...]
    float32_cost: float | None = None  # None: of a log from before it was measured
    drop_expected: float | None = None  # None as above: with luck left out
    layers: tuple[str, ...] = ()  # what each number in ``how`` stands for: the layer's output


def log_of(outcome: TuningResult, options: Options) -> TuningLog:
    """``outcome`` as it is written."""
    return TuningLog(
        metric=outcome.metric,
        cost_unit=outcome.unit,
        max_drop=options.max_drop,
        seed=options.seed,
        images=outcome.images,
        int8_drop=round(outcome.base_drop, 4),
        int8_drop_interval=outcome.base_interval,
        drop=None if outcome.kept is None else round(outcome.drop, 4),
        drop_interval=outcome.interval,
        met=outcome.met,
        finished=outcome.finished,
        kept="" if outcome.kept is None else outcome.kept.name,
        halves=tuple(
            tuple(_tried_in(half, number)) for number, half in enumerate(outcome.halves, start=1)
        ),
        float32_cost=round(outcome.float32_cost, 4),
        drop_expected=None if outcome.kept is None else round(outcome.expected, 4),
        layers=tuple(outcome.layers),
    )


def _tried_in(half: Fold, number: int) -> list[TrialRecord]:
    from convert.tuning.search import pareto_front
    from convert.tuning.selection import id_of

    best = {item.choice for item in pareto_front(half.screened)}
    measured = {item.choice: item for item in half.finalists}
    rows = [
        _row(item, f"half{number}-{id_of(item)}", best, measured, half.chosen)
        for item in half.screened
    ]
    own = [item for item in half.finalists if item.choice is None]
    return rows + [_row(item, item.name, best, measured, half.chosen) for item in own]


def _row(
    item: Candidate | Finalist,
    name: str,
    best: Collection[CandidateSpec],
    measured: Mapping[CandidateSpec | None, Finalist],
    chosen: Finalist,
) -> TrialRecord:
    final = measured.get(item.choice)
    return TrialRecord(
        name=name,
        how="int8 as it is" if item.choice is None else item.choice.describe(),
        cost=round((final or item).cost, 4),
        output_error=round(item.output_error, 5),
        size_bytes=item.size_bytes,
        frontier=item.choice in best,
        chosen=final is chosen,
        drop_seen=None if final is None else round(final.seen.drop, 4),
        drop_unseen=None if final is None else round(final.unseen.drop, 4),
    )


def finalists(log: TuningLog) -> Sequence[TrialRecord]:
    """Those of all halves that looked at all pictures."""
    return [item for half in log.halves for item in half if item.drop_seen is not None]


def write_log(log: TuningLog, path: Path) -> None:
    """Write it whole or not at all."""
    write_side_file(path, log)


def read_log(folder: Path) -> TuningLog | None:
    """What the last search of the bundle at ``folder`` left; None where there was none.

    Raises ``EvaluationError`` for a file that cannot be used.
    """
    return read_side_file(
        folder / TUNING,
        lambda data: msgspec.json.decode(data, type=TuningLog),
        "tune again, or remove it",
    )
