"""What ``convert slim`` tried, as JSON beside the new bundle's manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from convert.evaluation.bootstrap import Interval
from convert.side_file import read_side_file, write_side_file

SLIMMING = "slimming.json"


class TrialFigures(msgspec.Struct, frozen=True):
    """A smaller network: ``cost`` is a multiple of the whole one's, ``drop`` in points of float32.

    ``instructions`` of one invoke in int8 on the board searched for, estimated.
    """

    name: str
    size: int
    cost: float
    instructions: int
    parameters: int
    distance: float
    drop: float
    kept: bool = False


class SlimmingLog(msgspec.Struct, frozen=True):
    """A search: what was asked, what came of it, and every network tried.

    ``int8_drop`` is of the kept one's int8 against the whole one's, measured after the build;
    ``int8_expected`` is ``expected`` with what int8 takes from the smaller network more than from
    the whole one, where the pictures tell that from nothing.
    """

    source: str
    metric: str
    board: str
    images: int
    seed: int
    max_drop: float | None
    drop: float
    drop_interval: Interval | None
    expected: float
    int8_drop: float | None
    int8_drop_interval: Interval | None
    instructions: int | None  # counted, of the kept one's int8
    whole_instructions: int  # estimated
    trials: tuple[TrialFigures, ...]
    int8_expected: float | None = None  # None: of a log from before it was looked at
    int8_against: str = "int8"  # float32 where the whole network's bundle has no int8

    @property
    def int8_loses(self) -> float:
        """Points that int8 loses at least: what is expected, or measured beyond luck."""
        assert self.int8_expected is not None
        assert self.int8_drop is not None
        interval = self.int8_drop_interval
        return max(self.int8_expected, self.int8_drop if interval is None else interval[0])


def write_log(log: SlimmingLog, folder: Path) -> None:
    """Write it whole or not at all."""
    write_side_file(folder / SLIMMING, log)


def read_log(folder: Path) -> SlimmingLog | None:
    """What the search for the bundle at ``folder`` left; None where there was none.

    Raises :class:`EvaluationError` for a file that cannot be used.
    """
    return read_side_file(
        folder / SLIMMING,
        lambda data: msgspec.json.decode(data, type=SlimmingLog),
        "slim again, or remove it",
    )


def format_trials(trials: Sequence[TrialFigures]) -> str:
    """A row for each network."""
    head = (
        f"{'network':<14}{'input':>6}{'cost':>8}{'instructions':>15}{'parameters':>13}{'lost':>8}"
    )
    rows = [
        f"{item.name:<14}{item.size:>6}{item.cost:>8.3f}{item.instructions / 1e6:>13.1f} M"
        f"{item.parameters:>13,}{item.drop:>8.2f}{'  kept' if item.kept else ''}"
        for item in trials
    ]
    return "\n".join([head, *rows])
