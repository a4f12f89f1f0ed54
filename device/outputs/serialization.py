"""Serialization of outcomes: JSON lines and CSV rows, as documented in docs/formats.md."""

from __future__ import annotations

import csv
import datetime
import io

import msgspec

from device.records import Classification, Detection, Outcome, Result
from device.system.console import printable

FORMULA_STARTS = ("=", "+", "-", "@")
COLUMNS = (
    "frame", "source", "time", "label", "class_id", "score", "x_min", "y_min", "x_max", "y_max",
    "kept",
)  # fmt: skip


def now() -> str:
    """The current time by the wall clock, ISO 8601, UTC, to the millisecond."""
    moment = datetime.datetime.now(datetime.UTC)
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
    return record


def findings_record(result: Result) -> dict[str, object]:
    """The findings of a frame, under the key that says what they are."""
    if result.classes is None:
        return {"detections": [describe(item) for item in result.detections]}
    return {"classes": [describe(item) for item in result.classes]}


def to_json(outcome: Outcome) -> bytes:
    """The JSON record of an outcome, as documented in docs/formats.md, on one line."""
    result = outcome.result
    timings = result.timings
    record = {
        "frame": outcome.frame.index,
        "source": outcome.frame.name,
        "time": now(),
        "captured_at_s": round(outcome.frame.captured_at_s, 4),
        "finished_at_s": round(outcome.finished_at_s, 4),
        **findings_record(result),
        **({"kept": True} if result.kept else {}),
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
    time = now()
    name = as_cell(outcome.frame.name)
    for item in found:
        sides = [round(side, 1) for side in item.box] if isinstance(item, Detection) else [""] * 4
        writer.writerow(
            (outcome.frame.index, name, time, as_cell(item.label), item.class_id,
             round(item.score, 4), *sides, int(result.kept))
        )  # fmt: skip
    return text.getvalue().encode()
