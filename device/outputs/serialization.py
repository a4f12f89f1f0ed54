"""Serialization of outcomes: JSON lines and CSV rows, as documented in docs/formats.md."""

from __future__ import annotations

import csv
import datetime
import io

import msgspec

from device.records import Classification, Detection, Outcome, Result

TABLE = (
    "frame", "source", "time", "label", "class_id", "score", "x_min", "y_min", "x_max", "y_max",
    "kept",
)  # fmt: skip


def now() -> str:
    """The wall clock, ISO 8601, UTC, to the millisecond."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe(item: Detection | Classification) -> dict[str, object]:
    """What the log says of one finding."""
    record: dict[str, object] = {
        "label": item.label,
        "class_id": item.class_id,
        "score": round(item.score, 4),
    }
    if isinstance(item, Detection):
        record["box"] = [round(side, 1) for side in item.box]
    return record


def findings(result: Result) -> dict[str, object]:
    """All that was found on a frame, under the key that says what it is."""
    if result.classes is None:
        return {"detections": [describe(item) for item in result.detections]}
    return {"classes": [describe(item) for item in result.classes]}


def log_line(outcome: Outcome) -> bytes:
    """One line of the JSONL log, as documented in docs/formats.md, newline included."""
    result = outcome.result
    timings = result.timings
    record = {
        "frame": outcome.frame.index,
        "source": outcome.frame.name,
        "time": now(),
        "captured_at_s": round(outcome.frame.captured_at_s, 4),
        "finished_at_s": round(outcome.finished_at_s, 4),
        **findings(result),
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
    return msgspec.json.encode(record) + b"\n"


def table_rows(outcome: Outcome) -> bytes:
    """A row of the CSV log per finding, as documented in docs/formats.md."""
    result = outcome.result
    found = result.detections if result.classes is None else result.classes
    if not found:
        return b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    time = now()
    for item in found:
        sides = [round(side, 1) for side in item.box] if isinstance(item, Detection) else [""] * 4
        writer.writerow(
            (outcome.frame.index, outcome.frame.name, time, item.label, item.class_id,
             round(item.score, 4), *sides, int(result.kept))
        )  # fmt: skip
    return text.getvalue().encode()
