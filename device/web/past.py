"""The past of a run: what its event store has, in bounded answers for the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from device.drawing.annotate import draw
from device.drawing.palette import class_colour, hex_colour
from device.drawing.parts import FINDINGS
from device.events.clip_folder import ClipFolder, delete_visit, keep_visit
from device.events.day import DayBar, bars_of
from device.events.feet import GRID_WH, empty_grid, sum_of
from device.events.reader import VisitReader
from device.events.records import StoredVisit, StoreError, VisitFilter
from device.events.store import EventStore
from device.images import encode_jpeg
from device.records import Detection

Found = TypeVar("Found")


class Past:
    """The past in an event store and a folder of clips, for a page on an event loop.

    The store is opened for each answer, in a thread, and read by one at a time: what a page asks
    for costs no memory between two questions, and the run's threads never wait for it. What it
    does raises ``StoreError``.
    """

    def __init__(self, store: Path, clips: Path) -> None:
        self._path = store
        self._clips = ClipFolder(clips)
        self._turn = asyncio.Lock()

    async def ask(self, question: Callable[[], Found]) -> Found:
        """The answer of one of the other methods, given in a thread."""
        async with self._turn:
            return await asyncio.to_thread(question)

    def visits(
        self, wanted: VisitFilter, limit: int, after: tuple[float, int] | None
    ) -> dict[str, object]:
        """The ``limit`` newest visits that fit, behind ``after``; ``next`` is for those behind."""
        with closing(VisitReader(self._path)) as reader:
            found = list(islice(reader.visits(wanted, newest_first=True, after=after), limit + 1))
        shown = found[:limit]
        last = shown[-1] if len(found) > limit else None
        return {
            "visits": [self._described(visit) for visit in shown],
            "next": None if last is None else f"{last.began_s!r},{last.number}",
        }

    def _described(self, visit: StoredVisit) -> dict[str, object]:
        return {
            "number": visit.number,
            "label": visit.label,
            "colour": hex_colour(class_colour(visit.class_id)),
            "began_s": visit.began_s,
            "ended_s": visit.ended_s,
            "under_way": visit.under_way,
            "score": round(visit.score, 4),
            "zones": visit.zones,
            "source": visit.source,
            "kept": visit.kept,
            "picture": visit.has_picture,
            "box": visit.box,
            "clip": self._clips.file_of(visit.clip) is not None,
        }

    def day(self, wanted: VisitFilter) -> dict[str, object]:
        """The bars of a day, where feet were in each hour of it, and which days lie next to it."""
        assert wanted.since_s is not None
        assert wanted.until_s is not None
        since_s, until_s = wanted.since_s, wanted.until_s
        with closing(VisitReader(self._path)) as reader:
            bars = bars_of(reader.spans(wanted), since_s, until_s)
            earlier_s, later_s = reader.neighbours(since_s, until_s)
            newest = reader.newest
            feet = reader.feet(since_s, until_s, wanted.labels).entries
        hours = sorted({hour_s for hour_s, _ in feet})
        return {
            "visits": bars.visits,
            "newest": newest,
            "is_all": bars.is_all,
            "classes": [_bar(bar) for bar in bars.classes],
            "zones": [_bar(bar) for bar in bars.zones],
            "earlier_s": earlier_s,
            "later_s": later_s,
            "feet": {
                "size_wh": GRID_WH,
                "hours": [
                    {
                        "hour_s": hour,
                        "seconds": [
                            round(cell, 1)
                            for cell in sum_of(
                                (empty_grid(), *(feet[key] for key in feet if key[0] == hour))
                            )
                        ],
                    }
                    for hour in hours
                ],
            },
        }

    def picture(self, number: int, *, drawn: bool) -> bytes | None:
        """The best picture of a visit, JPEG; None where it has none.

        With ``drawn`` what was found is drawn on it.
        """
        with closing(VisitReader(self._path)) as reader:
            picture = reader.picture(number)
        if picture is None or not drawn:
            return None if picture is None else picture.jpeg
        image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise StoreError(f"{self._path}: damaged (the picture of visit {number})")
        pixels = np.asarray(image, np.uint8)
        findings = [Detection(f.class_id, f.label, f.score, *f.box) for f in picture.findings]
        draw(pixels, findings, "", (), FINDINGS)
        return encode_jpeg(pixels)

    def clip(self, number: int) -> Path | None:
        """The file of the clip that shows a visit; None where there is none, or not yet."""
        with closing(VisitReader(self._path)) as reader:
            visit = reader.visit(number)
        return None if visit is None else self._clips.file_of(visit.clip)

    def keep(self, number: int, kept: bool) -> bool:
        """Keep a visit and its clip whatever the quota, or no longer; whether there is one."""
        with closing(self._open()) as store:
            return keep_visit(store, self._clips, number, kept)

    def delete(self, number: int) -> bool:
        """Remove a visit, its picture and its clip; whether there was one."""
        with closing(self._open()) as store:
            return delete_visit(store, self._clips, number)

    def _open(self) -> EventStore:
        VisitReader(self._path).close()  # it is there, and this one's
        return EventStore(self._path)


def _bar(bar: DayBar) -> dict[str, object]:
    colour = None if bar.class_id is None else hex_colour(class_colour(bar.class_id))
    return {"name": bar.name, "colour": colour, "visits": bar.visits, "slots": bar.slots}
