"""Exports of an event store: a CSV table, JSON, and COCO annotations to train on."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from device.events.reader import VisitReader
from device.events.records import BestPicture, StoredVisit, StoreError
from device.system.atomic_file import write_whole

COLUMNS = (
    "visit",
    "label",
    "began",
    "ended",
    "seconds",
    "score",
    "zones",
    "source",
    "kept",
    "clip",
)
ANNOTATIONS = "annotations.json"


def iso(time_s: float) -> str:
    """Seconds since 1970 as ISO 8601, UTC, to the second."""
    try:
        moment = datetime.datetime.fromtimestamp(time_s, datetime.UTC)
    except (OverflowError, ValueError, OSError) as exc:
        raise StoreError(f"a visit at {time_s:g} s since 1970: the store is damaged") from exc
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def record_of(visit: StoredVisit) -> dict[str, object]:
    """The JSON record of a visit."""
    return {
        "visit": visit.number,
        "label": visit.label,
        "class_id": visit.class_id,
        "began": iso(visit.began_s),
        "ended": None if visit.under_way else iso(visit.ended_s),
        "seconds": round(visit.ended_s - visit.began_s, 1),
        "score": round(visit.score, 4),
        "zones": visit.zones,
        "source": visit.source,
        "picture": visit.has_picture,
        "kept": visit.kept,
        "clip": visit.clip,
    }


def write_json(visits: Iterable[StoredVisit], file: IO[str]) -> None:
    """Write a line of JSON for each visit."""
    for visit in visits:
        file.write(msgspec.json.encode(record_of(visit)).decode() + "\n")


def write_csv(visits: Iterable[StoredVisit], file: IO[str], as_cell: Callable[[str], str]) -> None:
    """Write a table with a row for each visit; ``as_cell`` makes texts safe for spreadsheets."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for visit in visits:
        record = record_of(visit)
        cells = {**record, "zones": "; ".join(visit.zones)}
        writer.writerow(
            as_cell(value) if isinstance(value := cells[name], str) else value for name in COLUMNS
        )


def write_coco(store: VisitReader, visits: Iterable[StoredVisit], folder: Path) -> int:
    """Write the visits' pictures into ``folder`` with ``annotations.json``; how many they are.

    All that was found on a picture is annotated, boxes as x, y, width and height in pixels. It is
    what the network found: to be looked through before anything learns from it. Raises
    ``SinkError``, ``StoreError``.
    """
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    categories: dict[int, str] = {}
    for visit, picture in _pictures(store, visits):
        name = f"visit-{visit.number:06d}.jpg"
        write_whole(folder / name, picture.jpeg, "choose another folder")
        width, height = picture.size_wh
        images.append({"id": visit.number, "file_name": name, "width": width, "height": height})
        for found in picture.findings:
            x_min, y_min, x_max, y_max = (
                min(max(side, 0.0), limit)
                for side, limit in zip(found.box, (width, height) * 2, strict=True)
            )
            categories[found.class_id] = found.label
            box = [round(side, 1) for side in (x_min, y_min, x_max - x_min, y_max - y_min)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": visit.number,
                    "category_id": found.class_id + 1,  # COCO's begin with 1
                    "bbox": box,
                    "area": round(box[2] * box[3], 1),
                    "iscrowd": 0,
                    "score": found.score,
                }
            )
    named = [{"id": number + 1, "name": label} for number, label in sorted(categories.items())]
    content = {"images": images, "annotations": annotations, "categories": named}
    write_whole(folder / ANNOTATIONS, msgspec.json.encode(content), "choose another folder")
    return len(images)


def _pictures(
    store: VisitReader, visits: Iterable[StoredVisit]
) -> Iterator[tuple[StoredVisit, BestPicture]]:
    for visit in visits:
        picture = store.picture(visit.number)
        if picture is not None:
            yield visit, picture
