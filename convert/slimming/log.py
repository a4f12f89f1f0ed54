"""What ``convert slim`` tried, as JSON beside the new bundle's manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from convert.evaluation.bootstrap import Interval, in_resamples
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
        """Points that int8 counts as losing: those expected, or more that luck does not explain."""
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


def format_kept(log: SlimmingLog, kept: TrialFigures, time_here: float | None) -> str:
    """What is kept, what it costs and what it lost; ``time_here``: a multiple, where measured."""
    counted = "" if log.instructions is None else f", {log.instructions / 1e6:.2f} million counted"
    lines = [f"kept        {kept.name}: {kept.cost:.3f} times the cost{counted}"]
    if log.int8_drop is not None:
        told = in_resamples(log.int8_drop_interval)
        if log.max_drop is not None and log.int8_expected is not None:
            told += f", {log.int8_expected:.2f} to be expected"
        lines.append(
            f"            int8 lost {log.int8_drop:.2f} points of {log.metric}{told}, compared "
            f"with the whole network's {log.int8_against}, on {log.images} pictures"
        )
    if time_here is not None:
        lines.append(f"            {time_here:.3f} times the time of one invoke here")
    return "\n".join(lines)
