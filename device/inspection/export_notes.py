"""Export notes of YOLO models: JSON, or a dictionary as Python prints it.

Ultralytics' exporters zip it to the end of a ``.tflite``. It is read by pattern, never evaluated.
"""

from __future__ import annotations

import re

from device.bundle.label_formats import names_by_id
from device.schema import Record

_FIELDS = {
    "task": r"""["']task["']\s*:\s*["']([\w-]{1,40})["']""",
    "author": r"""["']author["']\s*:\s*["']([^"'\n]{1,80})["']""",
    "licence": r"""["']license["']\s*:\s*["']([^"'\n]{1,200})["']""",
    "size": r"""["']imgsz["']\s*:\s*\[\s*(\d{1,5}\s*,\s*\d{1,5})\s*\]""",
    "suppresses": r"""["'](?:nms|end2end)["']\s*:\s*([Tt]rue)\b""",
}
# Nothing else is called so within a model: two of these are no accident.
_MARKS = re.compile(r"""["'](?:names|stride|task|imgsz)["']\s*:""")


class ExportNotes(Record, frozen=True):
    """Notes that are used; empty where the exporter says nothing."""

    author: str = ""
    licence: str = ""
    task: str = ""  # detect, segment, pose, obb, classify
    names: tuple[str, ...] = ()
    size_wh: tuple[int, int] | None = None
    suppresses: bool = False  # whether its boxes come out of a suppression of the model's own


def read_notes(text: str) -> ExportNotes | None:
    """The notes in ``text``; None where it holds none."""
    if not text.lstrip().startswith("{") or len(set(_MARKS.findall(text))) < 2:
        return None
    found = {
        name: match[1]
        for name, pattern in _FIELDS.items()
        if (match := re.search(pattern, text)) is not None
    }
    names = names_by_id(text)
    height_width = [int(side) for side in found.get("size", "").split(",") if side]
    size_wh = (height_width[1], height_width[0]) if len(height_width) == 2 else None
    return ExportNotes(
        author=found.get("author", ""),
        licence=found.get("licence", ""),
        task=found.get("task", ""),
        names=tuple(names.names) if names is not None else (),
        size_wh=size_wh if size_wh and min(size_wh) > 1 else None,
        suppresses="suppresses" in found,
    )
