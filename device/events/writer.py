"""The event writer: a thread that writes visits in batches, and never keeps a run waiting."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from device.events.clip_folder import ClipFolder
from device.events.feet import FootMap
from device.events.records import BestPicture, DamagedError, StoredFinding, StoreError
from device.events.store import EventStore, open_or_replace, replace_damaged
from device.images import encode_jpeg
from device.records import Pixels, Visit
from device.system.closable import Closable
from device.system.console import say
from device.system.scheduling import batch_scheduling

FLUSH_S = 5.0  # between two transactions: each wears an SD card
QUOTA_USED = 0.9  # of the quota is what visits take after a batch
MOST_WAITING_BYTES = 6_000_000  # of pictures that wait to be encoded
MOST_ENDED = 1000  # visits that wait for a disk that is full
CLOSE_TIMEOUT_S = 5.0


@dataclass(slots=True)
class _Entry:
    """What is known of a visit and not written yet."""

    visit: Visit
    source: str
    number: int | None = None  # in the store
    ended: bool = False
    changed: bool = True
    picture: BestPicture | None = None
    clip: str | None = None  # name of the file that shows it


@dataclass(slots=True)
class RawPicture:
    """A frame that shows some visits best, and all that was found on it."""

    visit_ids: set[int]
    pixels: Pixels
    findings: tuple[StoredFinding, ...]


@dataclass(slots=True)
class _Shared:
    """What both threads touch, under the lock alone."""

    entries: dict[int, _Entry] = field(default_factory=dict)  # by visit of the run
    waiting: list[RawPicture] = field(default_factory=list)
    feet: FootMap = field(default_factory=FootMap)
    time_s: float = 0.0  # of the newest frame, since 1970
    closing: bool = False


class EventWriter(Closable):
    """A writer of a run's visits into an event store.

    A store that cannot be written is told of once; what ended meanwhile is held, up to a bound,
    and the run goes on.
    """

    def __init__(
        self,
        path: Path,
        quota_bytes: int | None = None,
        age_s: float | None = None,
        flush_s: float = FLUSH_S,
        clips: ClipFolder | None = None,
    ) -> None:
        """Open the store, in this thread; one that cannot be opened is told of, and left alone."""
        # With room for the next batch, and for SQLite's journal.
        self._quota_bytes = None if quota_bytes is None else round(quota_bytes * QUOTA_USED)
        self._age_s, self._flush_s, self._clips = age_s, flush_s, clips
        self._shared = _Shared()
        self._changed = threading.Condition()
        self._failing = False
        self._store: EventStore | None = None
        try:
            self._store, told = open_or_replace(path)
            if told:
                say(f"--events {told}")
        except StoreError as exc:
            say(f"no visits are kept, the run goes on: --events {exc}")
            return
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Whether a picture would be taken now."""
        with self._changed:
            return self._store is not None and not self._is_full()

    def _is_full(self) -> bool:
        return sum(item.pixels.nbytes for item in self._shared.waiting) >= MOST_WAITING_BYTES

    def note(
        self,
        visit: Visit,
        source: str,
        time_s: float,
        *,
        ended: bool = False,
        clip: str | None = None,
    ) -> None:
        """Take in what is known of a visit at ``time_s``; it is written with the next batch.

        Of several clips the first is the visit's.
        """
        if self._store is None:
            return
        with self._changed:
            self._shared.time_s = time_s
            entry = self._shared.entries.setdefault(visit.visit_id, _Entry(visit, source))
            entry.visit, entry.ended, entry.changed = visit, ended, True
            entry.clip = entry.clip or clip
            if ended and any(map(self._is_settled, self._shared.waiting)):
                self._changed.notify()

    def _is_settled(self, picture: RawPicture) -> bool:
        """Whether no better one can replace a picture: all visits that it shows have ended."""
        entries = self._shared.entries
        return all(number not in entries or entries[number].ended for number in picture.visit_ids)

    def tread(self, feet: FootMap) -> None:
        """Take in where feet were; it is written with the next batch."""
        with self._changed:
            self._shared.feet.merge(feet)

    def take(self, picture: RawPicture) -> None:
        """Take the best picture of visits that were noted; its pixels stay as they are.

        It is encoded with the next batch, when its visits have ended, or when many wait: most
        are replaced before. How many wait follows what is seen at once, not the frame rate.
        """
        with self._changed:
            for other in self._shared.waiting:
                other.visit_ids -= picture.visit_ids
            self._shared.waiting = [item for item in self._shared.waiting if item.visit_ids]
            self._shared.waiting.append(picture)
            if self._is_full():
                self._changed.notify()

    @batch_scheduling()
    def _run(self) -> None:
        due_s = time.monotonic() + self._flush_s
        closing = False
        while not closing:
            with self._changed:
                self._changed.wait_for(self._is_wanted, max(0.0, due_s - time.monotonic()))
                closing = self._shared.closing
                is_full = self._is_full()
            is_due = closing or time.monotonic() >= due_s
            self._encode(only_settled=not (is_due or is_full))
            if is_due:
                due_s = time.monotonic() + self._flush_s
                self._flush()
        if self._failing:
            self._flush_the_last()
        assert self._store is not None
        self._store.close()

    def _is_wanted(self) -> bool:
        shared = self._shared
        return self._is_full() or shared.closing or any(map(self._is_settled, shared.waiting))

    def _encode(self, *, only_settled: bool) -> None:
        while True:
            with self._changed:
                waiting = self._shared.waiting
                raw = next(
                    (item for item in waiting if not only_settled or self._is_settled(item)), None
                )
                if raw is None:
                    return
                # Not by equality: of two pictures the pixels would be compared.
                self._shared.waiting = [item for item in waiting if item is not raw]
            height, width = raw.pixels.shape[:2]
            picture = BestPicture(encode_jpeg(raw.pixels), (width, height), raw.findings)
            with self._changed:
                for visit_id in raw.visit_ids:
                    if (entry := self._shared.entries.get(visit_id)) is not None:
                        entry.picture, entry.changed = picture, True

    def _flush(self, *, may_replace: bool = True) -> None:
        assert self._store is not None
        with self._changed:
            due = [entry for entry in self._shared.entries.values() if entry.changed]
            for entry in due:
                entry.changed = False
            snapshot = [replace(entry) for entry in due]
            feet, self._shared.feet = self._shared.feet, FootMap()
            time_s = self._shared.time_s
        before_s = None if self._age_s is None else time_s - self._age_s
        numbers: list[int] = []
        try:
            if snapshot or feet:
                with self._store.batch():
                    for entry in snapshot:
                        numbers.append(self._write(entry))
                        if entry.picture is not None:  # the file never becomes smaller again
                            self._store.prune(self._quota_bytes, None)
                    self._store.add_feet(feet)
                    self._store.prune(self._quota_bytes, before_s)
                    if self._clips is not None:
                        self._clips.keep(self._store)
        except StoreError as exc:
            self.tread(feet)
            if may_replace and isinstance(exc, DamagedError) and self._begin_anew(exc):
                self._flush(may_replace=False)
            else:
                self._fail(exc, due)
            return
        if self._failing:
            say("visits are kept again")
            self._failing = False
        with self._changed:
            for number, entry, written in zip(numbers, due, snapshot, strict=True):
                entry.number = number
                if entry.picture is written.picture:
                    entry.picture = None
                if written.ended:
                    del self._shared.entries[entry.visit.visit_id]

    def _write(self, entry: _Entry) -> int:
        assert self._store is not None
        number = entry.number
        if number is None:
            number = self._store.add(entry.visit, entry.source)
        self._store.update(number, entry.visit, under_way=not entry.ended)
        if entry.clip is not None:
            self._store.set_clip(number, entry.clip)
        if entry.picture is not None:
            box = entry.picture.box_of(entry.visit.visit_id)
            self._store.set_picture(number, entry.picture, box)
        return number

    def _begin_anew(self, why: DamagedError) -> bool:
        """Go on in a new store; what is known of visits under way goes into that one."""
        assert self._store is not None
        self._store.close()
        try:
            self._store, told = replace_damaged(self._store.path, why)
        except StoreError as exc:
            say(f"--events {exc}")
            return False
        say(f"--events {told}")
        with self._changed:
            for entry in self._shared.entries.values():
                entry.number, entry.changed = None, True
        return True

    def _flush_the_last(self) -> None:
        """Once more without pictures, where the last batch was too much; tell what is lost."""
        with self._changed:
            for entry in self._shared.entries.values():
                entry.picture = None
        self._flush()
        assert self._store is not None
        if self._failing and (count := len(self._shared.entries)):
            visits = "1 visit is" if count == 1 else f"{count} visits are"
            say(f"{visits} lost: --events {self._store.path} could not be written to the end")

    def _fail(self, exc: StoreError, due: list[_Entry]) -> None:
        if not self._failing:
            say(f"visits cannot be kept for now, the run goes on: --events {exc}")
        self._failing = True
        with self._changed:
            for entry in due:
                entry.changed = True
            entries = self._shared.entries
            ended = [number for number, entry in entries.items() if entry.ended]
            for number in ended[: max(0, len(ended) - MOST_ENDED)]:
                del entries[number]
            for number in ended:
                if number in entries:
                    entries[number].picture = None  # a thousand of them are no small memory

    def close(self) -> None:
        """Write what is left."""
        if self._store is None:
            return
        with self._changed:
            self._shared.closing = True
            self._changed.notify()
        self._thread.join(CLOSE_TIMEOUT_S)
