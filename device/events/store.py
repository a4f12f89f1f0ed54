"""The event store: visits in an SQLite database, the best picture of each with them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from device.events.feet import HOUR_S, FootMap, decode_grid, encode_grid, sum_of
from device.events.reader import VisitReader
from device.events.records import BestPicture, DamagedError, StoreError
from device.events.schema import FORMAT, INDEX, SCHEMA, UPGRADE
from device.inference.boxes import Box
from device.records import Visit

PRUNED_AT_ONCE = 4  # visits


class EventStore(VisitReader):
    """A database of visits that is written too, by one thread at a time; made where it is not."""

    MODE = "rwc"
    CACHE_KB = 100  # a run holds it for as long as it lives

    def _prepare(self) -> None:
        # Each commit is on the disk before it counts: at most one batch is lost in a power cut.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        self._db.execute("PRAGMA journal_size_limit = 4000000")
        if not self._has_tables:
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        elif self._format < FORMAT:
            self._db.executescript(f"BEGIN; {UPGRADE} PRAGMA user_version = {FORMAT}; COMMIT;")
        with contextlib.suppress(sqlite3.OperationalError):  # full, or in use: it is slower without
            self._db.executescript(INDEX)

    def end_cut_off(self) -> None:
        """End the visits that an earlier run did not see to their end. Raises ``StoreError``."""
        try:
            self._db.execute("UPDATE visit SET under_way = 0 WHERE under_way")
        except sqlite3.Error as exc:
            raise self._error(exc) from exc

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

    def set_picture(self, number: int, picture: BestPicture, box: Box | None = None) -> None:
        """Write the best picture of a visit in place of the one before, with its box on it."""
        self._db.execute(
            "UPDATE visit SET picture = ?, picture_width = ?, picture_height = ?, findings = ?,"
            " box = ? WHERE id = ?",
            (
                picture.jpeg,
                *picture.size_wh,
                msgspec.json.encode(picture.findings).decode(),
                None if box is None else msgspec.json.encode(box).decode(),
                number,
            ),
        )

    def set_clip(self, number: int, clip: str) -> None:
        """Write the name of the clip of a visit; the first one stays."""
        self._db.execute("UPDATE visit SET clip = ? WHERE id = ? AND clip IS NULL", (clip, number))

    def rename_clip(self, clip: str, name: str) -> None:
        """Write the new name of a clip to all visits on it."""
        self._db.execute("UPDATE visit SET clip = ? WHERE clip = ?", (name, clip))

    def add_feet(self, feet: FootMap) -> None:
        """Add to where feet were in each hour."""
        for (hour_s, label), cells in feet.entries.items():
            row = self._db.execute(
                "SELECT seconds FROM feet WHERE hour_s = ? AND label = ?", (hour_s, label)
            ).fetchone()
            if row is not None:
                with contextlib.suppress(ValueError, TypeError):  # what is damaged begins anew
                    cells = sum_of((cells, decode_grid(row[0])))
            self._db.execute(
                "INSERT OR REPLACE INTO feet (hour_s, label, seconds) VALUES (?, ?, ?)",
                (hour_s, label, encode_grid(cells)),
            )

    def keep(self, number: int, kept: bool) -> bool:
        """Keep a visit whatever the quota, or no longer; whether there is such a visit."""
        changed = self._db.execute("UPDATE visit SET kept = ? WHERE id = ?", (kept, number))
        return bool(changed.rowcount)

    def delete(self, number: int) -> bool:
        """Remove a visit; whether there was such a one."""
        return bool(self._db.execute("DELETE FROM visit WHERE id = ?", (number,)).rowcount)

    @property
    def used_bytes(self) -> int:
        """What the visits take; the file keeps what removed ones took, for those to come."""
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return pages * self._number("PRAGMA page_size")

    def kept_clips(self) -> list[str]:
        """The names of the clips of kept visits."""
        rows = self._db.execute("SELECT DISTINCT clip FROM visit WHERE kept AND clip IS NOT NULL")
        return [str(clip) for (clip,) in rows]

    def has_visit_on(self, clip: str) -> bool:
        """Whether a visit is on a clip."""
        return bool(self._number("SELECT EXISTS (SELECT 1 FROM visit WHERE clip = ?)", clip))

    def prune(self, quota_bytes: int | None, before_s: float | None) -> None:
        """Remove the oldest visits beyond ``quota_bytes``, and those that ended ``before_s``.

        Neither those under way nor those that are to be kept go.
        """
        if before_s is not None:
            self._db.execute(
                "DELETE FROM visit WHERE ended_s < ? AND NOT kept AND NOT under_way", (before_s,)
            )
            self._db.execute("DELETE FROM feet WHERE hour_s < ?", (before_s - HOUR_S,))
        while quota_bytes is not None and self.used_bytes > quota_bytes:
            removed = self._db.execute(
                "DELETE FROM visit WHERE id IN (SELECT id FROM visit WHERE NOT kept"
                " AND NOT under_way ORDER BY ended_s LIMIT ?)",
                (PRUNED_AT_ONCE,),
            )
            if not removed.rowcount:
                return
            self._db.execute(
                "DELETE FROM feet WHERE hour_s + ? < (SELECT min(began_s) FROM visit"
                " WHERE NOT kept)",
                (HOUR_S,),
            )


def open_or_replace(path: Path) -> tuple[EventStore, str]:
    """The store at ``path``, and what is to be said of it.

    One that is damaged is put aside, as ``NAME.damaged``, and a new one begun. Raises
    :class:`StoreError`.
    """
    try:
        return _open_own(path), ""
    except DamagedError as exc:
        return replace_damaged(path, exc)


def replace_damaged(path: Path, why: DamagedError) -> tuple[EventStore, str]:
    """A new store in place of the one at ``path``, which is closed, and what is to be said of it.

    The damaged one is put aside. Raises :class:`StoreError`.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        path.replace(aside)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{why}; it cannot be put aside: {error.strerror}") from error
    return _open_own(path), f"{why}; it is now {aside.name}, and a new one is begun"


def _open_own(path: Path) -> EventStore:
    """The store at ``path`` for a run that writes it, with no visits under way."""
    store = EventStore(path)
    try:
        store.end_cut_off()
    except StoreError:
        store.close()
        raise
    return store


def _columns(visit: Visit) -> tuple[object, ...]:
    zones = msgspec.json.encode(visit.zones).decode()
    return visit.label, visit.class_id, visit.began_s, visit.seen_s, visit.score, zones
