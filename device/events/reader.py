"""The visit reader: visits of an event store, while a run may go on writing them."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from device.events.feet import FootMap, decode_grid
from device.events.records import (
    BestPicture,
    DamagedError,
    StoredFinding,
    StoredVisit,
    StoreError,
    VisitFilter,
    VisitSpan,
)
from device.events.schema import FORMAT
from device.inference.boxes import Box
from device.json_text import decode_json

BUSY_TIMEOUT_S = 5.0  # for another program that reads or writes

VISIT = (
    "SELECT id, label, class_id, began_s, ended_s, under_way, score, zones, source,"
    " picture IS NOT NULL, kept, clip, box FROM visit"
)


SPAN = "SELECT id, label, class_id, began_s, ended_s, zones FROM visit"


class VisitReader:
    """A database of visits that is read, by one thread at a time."""

    MODE = "ro"  # as SQLite calls it
    CACHE_KB = 500  # pictures are read once

    def __init__(self, path: Path) -> None:
        """Open the store. Raises :class:`StoreError`."""
        self.path = path
        if self.MODE != "rwc" and not path.is_file():
            raise StoreError(f"{path}: no such file; detect --events {path} makes it")
        try:
            if self.MODE == "rwc":
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={self.MODE}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                check_same_thread=False,
                isolation_level=None,
            )
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"{path}: {exc}; choose another file") from exc
        try:
            self._check()
            self._prepare()
        except sqlite3.Error as exc:
            self.close()
            raise self._error(exc) from exc
        except StoreError:
            self.close()
            raise

    def _check(self) -> None:
        self._db.execute(f"PRAGMA cache_size = -{self.CACHE_KB}")
        self._format = self._number("PRAGMA user_version")
        self._has_tables = bool(self._number("SELECT count(*) FROM sqlite_schema"))
        if self._format > FORMAT:
            raise StoreError(
                f"{self.path}: of a newer liteberry (format {self._format}, this one knows "
                f"{FORMAT}); update this one, or choose another file"
            )
        if self._format < 1 and self._has_tables:
            raise StoreError(f"{self.path}: another program's database; choose another file")

    def _prepare(self) -> None:
        if 1 <= self._format < FORMAT:
            raise StoreError(
                f"{self.path}: of an older liteberry (format {self._format}): detect --events "
                f"{self.path} brings it up to date"
            )

    def _number(self, query: str, *values: object) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _error(self, exc: sqlite3.Error) -> StoreError:
        damaged = isinstance(exc, sqlite3.DatabaseError) and not isinstance(
            exc, sqlite3.OperationalError | sqlite3.IntegrityError
        )
        if damaged:
            return DamagedError(f"{self.path}: damaged, or no database ({exc})")
        return StoreError(f"{self.path}: {exc}")

    def visits(
        self,
        wanted: VisitFilter | None = None,
        *,
        newest_first: bool = False,
        after: tuple[float, int] | None = None,
    ) -> Iterator[StoredVisit]:
        """The visits that fit, oldest first; raises ``StoreError``.

        With ``newest_first`` the other way round, those behind ``after``, a visit's ``began_s`` and
        number, where it is given.
        """
        if wanted is not None and wanted != VisitFilter():
            yield from self._chosen(wanted, newest_first, after)
            return
        query, values = f"{VISIT} WHERE 1", [*(after or ())]
        if after is not None:
            query += " AND (began_s, id) < (?, ?)"
        order = "DESC" if newest_first else "ASC"
        with self._reading():
            for row in self._db.execute(f"{query} ORDER BY began_s {order}, id {order}", values):
                yield _visit_of(row)

    def _chosen(
        self, wanted: VisitFilter, newest_first: bool, after: tuple[float, int] | None
    ) -> Iterator[StoredVisit]:
        """As :meth:`visits`: which they are an index knows, so that no other row is read."""
        order = "DESC" if newest_first else "ASC"
        for span in self._spans(wanted, f"ORDER BY +began_s {order}, id {order}"):
            if after is None or (span.began_s, span.number) < after:
                visit = self.visit(span.number)
                if visit is not None:  # or it was removed meanwhile
                    yield visit

    def spans(self, wanted: VisitFilter) -> Iterator[VisitSpan]:
        """When the visits that fit were there, in no order; raises ``StoreError``."""
        return self._spans(wanted, "")

    def _spans(self, wanted: VisitFilter, order: str) -> Iterator[VisitSpan]:
        # A plus keeps SQLite from an index that has not all that is asked for.
        query = f"{SPAN} WHERE ended_s >= ? AND +began_s < ?" + " AND kept" * wanted.kept
        since_s = 0.0 if wanted.since_s is None else wanted.since_s
        until_s = 1e18 if wanted.until_s is None else wanted.until_s
        with self._reading():
            for number, label, class_id, began, ended, zones in self._db.execute(
                f"{query} {order}", (since_s, until_s)
            ):
                names = _zones_of(zones)
                if wanted.fits(label, names):
                    yield VisitSpan(number, label, class_id, float(began), float(ended), names)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """What goes wrong in reading, as ``StoreError``."""
        try:
            yield
        except sqlite3.Error as exc:
            raise self._error(exc) from exc
        except (msgspec.MsgspecError, TypeError, ValueError) as exc:
            raise DamagedError(f"{self.path}: damaged ({exc})") from exc

    def visit(self, number: int) -> StoredVisit | None:
        """One visit; None where there is no such one. Raises ``StoreError``."""
        with self._reading():
            row = self._db.execute(f"{VISIT} WHERE id = ?", (number,)).fetchone()
            return None if row is None else _visit_of(row)

    def feet(self, since_s: float, until_s: float, labels: tuple[str, ...] = ()) -> FootMap:
        """Where feet were in the hours that began then, by hour and class."""
        found = FootMap()
        with self._reading():
            rows = self._db.execute(
                "SELECT hour_s, label, seconds FROM feet WHERE hour_s >= ? AND hour_s < ?",
                (since_s, until_s),
            )
            for hour_s, label, seconds in rows:
                if not labels or label in labels:
                    found.entries[int(hour_s), str(label)] = decode_grid(seconds)
        return found

    @property
    def newest(self) -> int:
        """The number of the visit that was added last; 0 where there is none."""
        with self._reading():
            return self._number("SELECT ifnull(max(id), 0) FROM visit")

    def neighbours(self, since_s: float, until_s: float) -> tuple[float | None, float | None]:
        """When the last visit before ``since_s`` began, and the first from ``until_s`` on."""
        with self._reading():
            earlier, later = self._db.execute(
                "SELECT (SELECT max(began_s) FROM visit WHERE began_s < ?),"
                " (SELECT min(began_s) FROM visit WHERE began_s >= ?)",
                (since_s, until_s),
            ).fetchone()
        return earlier, later

    def picture(self, number: int) -> BestPicture | None:
        """The best picture of a visit; None where it has none. Raises ``StoreError``."""
        with self._reading():
            row = self._db.execute(
                "SELECT picture, picture_width, picture_height, findings FROM visit WHERE id = ?",
                (number,),
            ).fetchone()
            if row is None or row[0] is None:
                return None
            found = decode_json(row[3], tuple[StoredFinding, ...])
            return BestPicture(bytes(row[0]), (int(row[1]), int(row[2])), found)

    def close(self) -> None:
        """Close the file; may be called more than once."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


@functools.lru_cache(200)  # of many visits the zones are the same
def _zones_of(text: str) -> tuple[str, ...]:
    return decode_json(text, tuple[str, ...])


def _visit_of(row: tuple[Any, ...]) -> StoredVisit:
    number, label, class_id, began, ended, under_way, score, zones, source, has, kept, clip, box = (
        row
    )
    return StoredVisit(
        number,
        label,
        class_id,
        float(began),
        float(ended),
        bool(under_way),
        float(score),
        _zones_of(zones),
        source,
        bool(has),
        bool(kept),
        None if clip is None else str(clip),
        None if box is None else decode_json(box, Box),
    )
