"""Serialization of outcomes: JSON lines and CSV rows, as documented in docs/formats.md."""

from __future__ import annotations

import csv
import datetime
import io
import time

import msgspec

from device.records import Classification, Detection, Outcome, Result, SceneEvent, SceneState, Visit
from device.system.console import printable

FORMULA_STARTS = ("=", "+", "-", "@")
COLUMNS = (
    "frame", "source", "time", "label", "class_id", "score", "x_min", "y_min", "x_max", "y_max",
    "kept",
)  # fmt: skip


def now() -> str:
    """The current time by the wall clock, ISO 8601, UTC, to the millisecond."""
    return iso_time(time.time())


def iso_time(time_s: float) -> str:
    """Seconds since 1970 as ISO 8601, UTC, to the millisecond."""
    moment = datetime.datetime.fromtimestamp(time_s, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe(item: Detection | Classification) -> dict[str, object]:
    """The record of one finding."""
    record: dict[str, object] = {
        "label": item.label,
        "class_id": item.class_id,
        "score": round(item.score, 4),
    }
    if isinstance(item, Detection):
        record["box"] = [round(side, 1) for side in item.box]
        if item.track_id is not None:
            record["track_id"] = item.track_id
        if item.visit_id is not None:
            record["visit_id"] = item.visit_id
    return record


def describe_visit(visit: Visit) -> dict[str, object]:
    """The record of a visit."""
    return {
        "visit_id": visit.visit_id,
        "label": visit.label,
        "class_id": visit.class_id,
        "score": round(visit.score, 4),
        "box": [round(side, 1) for side in visit.box],
        "began": iso_time(visit.began_s),
        "duration_s": round(visit.duration_s, 2),
        "zones": visit.zones,
    }


def scene_record(scene: SceneState) -> dict[str, object]:
    """The record of a scene: visits under way, what happened, and the counts of each place."""
    return {
        "visits": [describe_visit(visit) for visit in scene.visits],
        "events": [_describe_event(event) for event in scene.events],
        "zones": [
            {
                "name": zone.name,
                "inside": zone.inside,
                "entered": zone.entered,
                "left": zone.left,
                "dwell_s": rounded(zone.dwell_s),
                "wait_s": rounded(zone.wait_s),
            }
            for zone in scene.zones
        ],
        "lines": [{"name": line.name, "in": line.ins, "out": line.outs} for line in scene.lines],
        "rules": scene.rules,
    }


def _describe_event(event: SceneEvent) -> dict[str, object]:
    record: dict[str, object] = {"event": event.kind}
    if event.visit is not None:
        record |= {"visit_id": event.visit.visit_id, "label": event.visit.label}
    if event.place:
        record["place"] = event.place
    if event.dwell_s is not None:
        record["dwell_s"] = rounded(event.dwell_s)
    return record


def rounded(seconds: float | None) -> float | None:
    """Seconds to the tenth, where they are known."""
    return None if seconds is None else round(seconds, 1)


def findings_record(result: Result) -> dict[str, object]:
    """The findings of a frame, under the key that says what they are."""
    if result.classes is None:
        return {"detections": [describe(item) for item in result.detections]}
    return {"classes": [describe(item) for item in result.classes]}


def to_json(outcome: Outcome, camera: str = "") -> bytes:
    """The JSON record of an outcome, as documented in docs/formats.md, on one line.

    ``camera`` is the name of the one that saw it, in a run of several.
    """
    result = outcome.result
    timings = result.timings
    record = {
        **({"camera": camera} if camera else {}),
        "frame": outcome.frame.index,
        "source": outcome.frame.name,
        "time": now(),
        "captured_at_s": round(outcome.frame.captured_at_s, 4),
        "finished_at_s": round(outcome.finished_at_s, 4),
        **findings_record(result),
        **({"kept": True} if result.kept else {}),
        **({} if result.scene is None else scene_record(result.scene)),
        "timings_ms": {
            "capture": round(timings.capture_ms, 3),
            "preprocess": round(timings.preprocess_ms, 3),
            "invoke": round(timings.invoke_ms, 3),
            "decode": round(timings.decode_ms, 3),
            "draw": round(outcome.draw_ms, 3),
        },
        "frame_age_ms": round(outcome.frame_age_ms, 3),
        "fps": round(outcome.fps, 2),
        "rss_mb": round(outcome.rss_mb, 1),
        "cpu_percent": round(outcome.cpu_percent, 1),
    }
    return msgspec.json.encode(record)


def as_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula, and no terminal for a command.

    One that begins with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe before it, which
    spreadsheets do not show.
    """
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(FORMULA_STARTS) else shown


def to_csv(outcome: Outcome) -> bytes:
    """The CSV rows of an outcome, one per finding, as documented in docs/formats.md."""
    result = outcome.result
    found = result.findings
    if not found:
        return b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    moment = now()
    name = as_cell(outcome.frame.name)
    for item in found:
        sides = [round(side, 1) for side in item.box] if isinstance(item, Detection) else [""] * 4
        writer.writerow(
            (outcome.frame.index, name, moment, as_cell(item.label), item.class_id,
             round(item.score, 4), *sides, int(result.kept))
        )  # fmt: skip
    return text.getvalue().encode()
