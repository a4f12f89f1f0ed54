"""A past for tests to look at: visits of a day, with pictures, and one with a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from device.events.feet import FootMap
from device.events.records import BestPicture, StoredFinding
from device.events.store import EventStore
from device.images import encode_jpeg
from device.outputs.encoders import choose_encoder
from device.records import Visit

DAY_S = 1_780_012_800.0  # 2026-05-29T00:00:00Z
CLIP = "person-20260529T090000Z.mp4"
CLIP_BYTES = bytes(range(256)) * 400


def make_past(folder: Path, count: int = 5, *, before: bool = True, label: str = "person") -> Path:
    """A store with ``count`` visits, one an hour from 8:00 UTC on, and one the day ``before``.

    They are of a person and a cat in turns; the second, a cat's, is in no zone, and the third is on
    ``CLIP``, which lies in the folder ``clips`` and is no video.
    """
    (folder / "clips").mkdir()
    (folder / "clips" / CLIP).write_bytes(CLIP_BYTES)
    jpeg = encode_jpeg(np.full((480, 640, 3), 90, np.uint8))
    store = EventStore(folder / "events.db")
    feet = FootMap()
    with store.batch():
        for number in range(0 if before else 1, count + 1):
            name, class_id = (label, 0) if number % 2 else ("cat", 17)
            began_s = DAY_S - 7200 if number == 0 else DAY_S + 3600 * (7 + number)
            box = (100.0 + 40 * (number % 8), 120.0, 220.0 + 40 * (number % 8), 420.0)
            visit = Visit(
                visit_id=number, class_id=class_id, label=name, began_s=began_s,
                seen_s=began_s + 90, score=0.9, box=box, zones=() if number == 2 else ("door",),
            )  # fmt: skip
            added = store.add(visit, "0")
            store.update(added, visit, under_way=False)
            found = (StoredFinding(name, class_id, 0.9, box, number),)
            best = BestPicture(jpeg, (640, 480), found)
            store.set_picture(added, best, best.box_of(number))
            if number:
                x = (box[0] + box[2]) / 2 / 640
                feet.add(name, began_s, x, box[3] / 480, 30.0)
        store.set_clip(4, CLIP)
        store.add_feet(feet)
    store.close()
    return folder / "events.db"


def write_clip(path: Path) -> None:
    """Write two seconds of video in place of the clip."""
    with choose_encoder(path.suffix)(path, (64, 48), 10.0) as encoder:
        for index in range(21):
            encoder.write(np.full((48, 64, 3), 10 * index, np.uint8), index / 10)
