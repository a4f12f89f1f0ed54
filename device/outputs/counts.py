"""Counts: tables of zones and lines, a row for each in every minute and every hour."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from device.outputs.base import Sink
from device.outputs.logs import Log
from device.outputs.serialization import as_cell, iso_time, rounded
from device.records import Outcome, SceneState

COLUMNS = ("time", "place", "in", "out", "inside_most", "inside_mean", "dwell_s", "wait_s")
PERIODS = {"minutes.csv": 60, "hours.csv": 3600}  # seconds
LIMIT_BYTES = 20_000_000  # of a file; then it is NAME.1, and so on, as logs are


@dataclass(slots=True)
class _Tally:
    """What happened at one place in one period."""

    ins: int = 0
    outs: int = 0
    most: int | None = None  # of a line there is no inside
    inside_sum: int = 0
    frames: int = 0
    dwell_sum_s: float = 0.0
    wait_s: float | None = None

    def row(self) -> tuple[object, ...]:
        """Its columns, empty where they do not apply."""
        if self.most is None:
            return self.ins, self.outs, "", "", "", ""
        dwell_s = self.dwell_sum_s / self.outs if self.outs else None
        mean = round(self.inside_sum / self.frames, 2) if self.frames else 0
        return self.ins, self.outs, self.most, mean, rounded(dwell_s), rounded(self.wait_s)


class PeriodTally:
    """The tallies of all places in the period under way."""

    def __init__(self, period_s: int) -> None:
        self._period_s = period_s
        self._start_s: int | None = None
        self._tallies: dict[str, _Tally] = {}

    def add(self, scene: SceneState) -> Iterator[tuple[object, ...]]:
        """Take in a frame; the rows of the period before, where this frame is of another."""
        start_s = int(scene.time_s // self._period_s) * self._period_s
        if self._start_s is not None and start_s != self._start_s:
            yield from self.end()
        self._start_s = start_s
        for zone in scene.zones:
            tally = self._tallies.setdefault(zone.name, _Tally())
            tally.most = max(tally.most or 0, zone.inside)
            tally.inside_sum += zone.inside
            tally.frames += 1
            tally.wait_s = zone.wait_s
        for line in scene.lines:
            self._tallies.setdefault(line.name, _Tally())
        for event in scene.events:
            if event.kind in ("zone-entered", "line-in"):
                self._tallies[event.place].ins += 1
            elif event.kind in ("zone-left", "line-out"):
                self._tallies[event.place].outs += 1
                self._tallies[event.place].dwell_sum_s += event.dwell_s or 0.0

    def end(self) -> Iterator[tuple[object, ...]]:
        """The rows of the period under way, which is over."""
        if self._start_s is not None:
            time = iso_time(self._start_s)
            for place, tally in self._tallies.items():
                yield time, as_cell(place), *tally.row()
        self._tallies.clear()


class _Table(Log):
    """A CSV file of rows that are made elsewhere."""

    header = (",".join(COLUMNS) + "\n").encode()

    def __init__(self, path: Path, period_s: int) -> None:
        super().__init__(path, LIMIT_BYTES)
        self._tally = PeriodTally(period_s)

    def lines(self, outcome: Outcome) -> bytes:
        """The rows of a period that ended with this frame; mostly none."""
        scene = outcome.result.scene
        return b"" if scene is None else _as_csv(self._tally.add(scene))

    def finish(self) -> None:
        """Write the rows of the period under way."""
        if self._file is not None and (data := _as_csv(self._tally.end())):
            self._append(data)


class CountsSink(Sink):
    """A folder with a table of counts per minute, and one per hour."""

    def __init__(self, folder: Path) -> None:
        """Raises ``SinkError`` where the tables cannot be written."""
        self._tables: list[_Table] = []
        try:
            for name, period_s in PERIODS.items():
                self._tables.append(_Table(folder / name, period_s))
        except BaseException:
            self.close()
            raise

    def write(self, outcome: Outcome) -> None:
        """Count what happened on this frame."""
        for table in self._tables:
            table.write(outcome)

    def close(self) -> None:
        """Write the periods under way, as far as they went."""
        tables, self._tables = self._tables, []
        for table in tables:
            try:
                table.finish()
            finally:
                table.close()


def _as_csv(rows: Iterator[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
