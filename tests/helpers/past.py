"""A past for tests to look at: visits of a day, with pictures, and one with a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from device.events.feet import FootMap
from device.events.records import BestPicture, StoredFinding
from device.events.store import EventStore
from device.images import encode_jpeg
from device.records import Visit

DAY_S = 1_780_012_800.0  # 2026-05-29T00:00:00Z
CLIP = "person-20260529T090000Z.mp4"
CLIP_BYTES = bytes(range(256)) * 400


def make_past(folder: Path, picture: Path | None = None, count: int = 5) -> Path:
    """A store with ``count`` visits, one an hour from 8:00 UTC on, and one of the day before.

    They are of a person and a cat in turns; the second, a cat's, is in no zone, and the third is on
    ``CLIP``, which lies in the folder ``clips``.
    """
    (folder / "clips").mkdir()
    (folder / "clips" / CLIP).write_bytes(CLIP_BYTES)
    image = np.full((480, 640, 3), 90, np.uint8) if picture is None else _read(picture)
    jpeg = encode_jpeg(image)
    store = EventStore(folder / "events.db")
    feet = FootMap()
    with store.batch():
        for number in range(count + 1):
            label, class_id = ("person", 0) if number % 2 else ("cat", 17)
            began_s = DAY_S - 7200 if number == 0 else DAY_S + 3600 * (7 + number)
            box = (100.0 + 40 * (number % 8), 120.0, 220.0 + 40 * (number % 8), 420.0)
            visit = Visit(
                visit_id=number, class_id=class_id, label=label, began_s=began_s,
                seen_s=began_s + 90, score=0.9, box=box, zones=() if number == 2 else ("door",),
            )  # fmt: skip
            added = store.add(visit, "0")
            store.update(added, visit, under_way=False)
            found = (StoredFinding(label, class_id, 0.9, box, number),)
            best = BestPicture(jpeg, (640, 480), found)
            store.set_picture(added, best, best.box_of(number))
            if number:
                x = (box[0] + box[2]) / 2 / 640
                feet.add(label, began_s, x, box[3] / 480, 30.0)
        store.set_clip(4, CLIP)
        store.add_feet(feet)
    store.close()
    return folder / "events.db"


def _read(path: Path) -> np.ndarray:
    return cv2.resize(cv2.imread(str(path)), (640, 480))
