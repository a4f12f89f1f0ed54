"""The event store: visits in an SQLite database, the best picture of each with them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device.errors import LiteberryError
from device.inference.boxes import Box
from device.records import Visit

FORMAT = 1  # rises when an older liteberry could misread or spoil a newer store
PRUNED_AT_ONCE = 4  # visits
BUSY_TIMEOUT_S = 5.0  # for another program that reads or writes

SCHEMA = """
CREATE TABLE visit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  label TEXT NOT NULL,
  class_id INTEGER NOT NULL,
  began_s REAL NOT NULL,
  ended_s REAL NOT NULL,
  under_way INTEGER NOT NULL,
  score REAL NOT NULL,
  zones TEXT NOT NULL,
  source TEXT NOT NULL,
  kept INTEGER NOT NULL DEFAULT 0,
  picture BLOB,
  picture_width INTEGER,
  picture_height INTEGER,
  findings TEXT
);
CREATE INDEX visit_began ON visit (began_s);
"""


class StoreError(LiteberryError, OSError):
    """An event store that is damaged, of a newer format, or cannot be written."""


class StoredFinding(msgspec.Struct, frozen=True):
    """Something that was found on a picture of the store."""

    label: str
    class_id: int
    score: float
    box: Box  # source pixels
    visit_id: int | None = None  # of the visit, where it is part of one: a number of the run's


@dataclass(frozen=True, slots=True)
class BestPicture:
    """The best picture of a visit, without anything drawn on it, and all that was found on it."""

    jpeg: bytes
    size_wh: tuple[int, int]
    findings: tuple[StoredFinding, ...]


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """A visit as the store has it; times are seconds since 1970."""

    number: int  # of the store, never used again
    label: str
    class_id: int
    began_s: float
    ended_s: float
    under_way: bool
    score: float
    zones: tuple[str, ...]
    source: str
    has_picture: bool


class EventStore:
    """A database of visits, used by one thread at a time."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the store, or make it. Raises :class:`StoreError`."""
        self.path = path
        if read_only and not path.is_file():
            raise StoreError(f"{path}: no such file; detect --events {path} makes it")
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            mode = "ro" if read_only else "rwc"
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                check_same_thread=False,
                isolation_level=None,
            )
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"{path}: {exc}; choose another file") from exc
        try:
            self._prepare(read_only=read_only)
        except sqlite3.Error as exc:
            self.close()
            raise self._error(exc) from exc
        except StoreError:
            self.close()
            raise

    def _prepare(self, *, read_only: bool) -> None:
        format_ = self._number("PRAGMA user_version")
        tables = self._number("SELECT count(*) FROM sqlite_schema")
        if format_ > FORMAT:
            raise StoreError(
                f"{self.path}: of a newer liteberry (format {format_}, this one knows {FORMAT}); "
                "update this one, or choose another file"
            )
        if format_ < 1 and tables:
            raise StoreError(f"{self.path}: another program's database; choose another file")
        if read_only:
            return
        # Each commit is on the disk before it counts: at most one batch is lost in a power cut.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        self._db.execute("PRAGMA journal_size_limit = 4000000")
        if not tables:
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        self._db.execute("UPDATE visit SET under_way = 0 WHERE under_way")  # of a run cut off

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def _error(self, exc: sqlite3.Error) -> StoreError:
        damaged = isinstance(exc, sqlite3.DatabaseError) and not isinstance(
            exc, sqlite3.OperationalError | sqlite3.IntegrityError
        )
        if damaged:
            return DamagedError(f"{self.path}: damaged, or no database ({exc})")
        return StoreError(f"{self.path}: {exc}")

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction: all that is written within it, or nothing. Raises ``StoreError``."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as exc:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if isinstance(exc, sqlite3.Error):
                raise self._error(exc) from exc
            raise

    def add(self, visit: Visit, source: str) -> int:
        """Add a visit that is under way; its number."""
        cursor = self._db.execute(
            "INSERT INTO visit (label, class_id, began_s, ended_s, under_way, score, zones, source)"
            " VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
            (*_columns(visit), source),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def update(self, number: int, visit: Visit, *, under_way: bool) -> None:
        """Write what is known of a visit by now."""
        self._db.execute(
            "UPDATE visit SET label = ?, class_id = ?, began_s = ?, ended_s = ?, score = ?,"
            " zones = ?, under_way = ? WHERE id = ?",
            (*_columns(visit), under_way, number),
        )

    def set_picture(self, number: int, picture: BestPicture) -> None:
        """Write the best picture of a visit in place of the one before."""
        self._db.execute(
            "UPDATE visit SET picture = ?, picture_width = ?, picture_height = ?, findings = ?"
            " WHERE id = ?",
            (
                picture.jpeg,
                *picture.size_wh,
                msgspec.json.encode(picture.findings).decode(),
                number,
            ),
        )

    @property
    def used_bytes(self) -> int:
        """What the visits take; the file keeps what removed ones took, for those to come."""
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return pages * self._number("PRAGMA page_size")

    def prune(self, quota_bytes: int | None, before_s: float | None) -> None:
        """Remove the oldest visits beyond ``quota_bytes``, and those that ended ``before_s``.

        Neither those under way nor those that are to be kept go.
        """
        if before_s is not None:
            self._db.execute(
                "DELETE FROM visit WHERE ended_s < ? AND NOT kept AND NOT under_way", (before_s,)
            )
        while quota_bytes is not None and self.used_bytes > quota_bytes:
            removed = self._db.execute(
                "DELETE FROM visit WHERE id IN (SELECT id FROM visit WHERE NOT kept"
                " AND NOT under_way ORDER BY ended_s LIMIT ?)",
                (PRUNED_AT_ONCE,),
            )
            if not removed.rowcount:
                return

    def visits(
        self,
        labels: Sequence[str] = (),
        zones: Sequence[str] = (),
        since_s: float | None = None,
        until_s: float | None = None,
    ) -> Iterator[StoredVisit]:
        """The visits that fit, oldest first. Raises ``StoreError``."""
        try:
            rows = self._db.execute(
                "SELECT id, label, class_id, began_s, ended_s, under_way, score, zones, source,"
                " picture IS NOT NULL FROM visit WHERE ended_s >= ? AND began_s < ?"
                " ORDER BY began_s, id",
                (since_s or 0.0, 1e18 if until_s is None else until_s),
            )
            for number, label, class_id, began, ended, under_way, score, text, source, has in rows:
                in_zones = tuple(msgspec.json.decode(text, type=list[str]))
                if labels and label not in labels:
                    continue
                if zones and not set(zones) & set(in_zones):
                    continue
                yield StoredVisit(
                    number, label, class_id, began, ended, bool(under_way), score, in_zones,
                    source, bool(has),
                )  # fmt: skip
        except sqlite3.Error as exc:
            raise self._error(exc) from exc
        except (msgspec.MsgspecError, TypeError, ValueError) as exc:
            raise DamagedError(f"{self.path}: damaged ({exc})") from exc

    def picture(self, number: int) -> BestPicture | None:
        """The best picture of a visit; None where it has none. Raises ``StoreError``."""
        try:
            row = self._db.execute(
                "SELECT picture, picture_width, picture_height, findings FROM visit WHERE id = ?",
                (number,),
            ).fetchone()
            if row is None or row[0] is None:
                return None
            found = msgspec.json.decode(row[3], type=tuple[StoredFinding, ...])
            return BestPicture(bytes(row[0]), (int(row[1]), int(row[2])), found)
        except sqlite3.Error as exc:
            raise self._error(exc) from exc
        except (msgspec.MsgspecError, TypeError, ValueError) as exc:
            raise DamagedError(f"{self.path}: damaged ({exc})") from exc

    def close(self) -> None:
        """Close the file; may be called more than once."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


class DamagedError(StoreError):
    """A store that cannot be read any more."""


def open_or_replace(path: Path) -> tuple[EventStore, str]:
    """The store at ``path``, and what is to be said of it.

    One that is damaged is put aside, as ``NAME.damaged``, and a new one begun. Raises
    :class:`StoreError`.
    """
    try:
        return EventStore(path), ""
    except DamagedError as exc:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            path.replace(aside)
            for ending in ("-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{exc}; it cannot be put aside: {error.strerror}") from error
        return EventStore(path), f"{exc}; it is now {aside.name}, and a new one is begun"


def _columns(visit: Visit) -> tuple[object, ...]:
    zones = msgspec.json.encode(visit.zones).decode()
    return visit.label, visit.class_id, visit.began_s, visit.seen_s, visit.score, zones
