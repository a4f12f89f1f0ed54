"""TFLite Metadata: what a model's author wrote into the file for those who use it.

A flatbuffer of its own schema inside the model (tflite-support's ``metadata_schema.fbs``), and
label files zipped to the end of it. Few fields are needed, so they are read by their numbers in
that schema, with the ``flatbuffers`` package that LiteRT brings along.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from device.bundle.decoder_rules import Corners
from device.bundle.label_formats import decode_text
from device.inspection.export_notes import ExportNotes, read_notes
from device.schema import Record

MAX_LABELS_BYTES = 4_000_000  # a zip may promise more than fits in memory
MOST_FILES = 20
TEXT_ENDINGS = (".txt", ".json", ".yaml", ".pbtxt")
_NORMALIZATION = 1  # of the union ProcessUnitOptions
_IMAGE, _BOXES = 2, 3  # of the union ContentProperties
_BOUNDARIES = 1  # of BoundingBoxType: left, top, right, bottom in the order of an index
_CORNERS: dict[tuple[float, ...], Corners] = {
    (): "xyxy",
    (0, 1, 2, 3): "xyxy",
    (1, 0, 3, 2): "yxyx",
}
_LABELS = (2, 3)  # of AssociatedFileType: labels of a tensor's axis, or of its values


class ModelMetadata(Record, frozen=True):
    """Metadata that are used; empty where the author said nothing."""

    mean: tuple[float, ...] = ()  # normalised value = (byte - mean) / std, per channel or for all
    std: tuple[float, ...] = ()
    size_wh: tuple[int, int] | None = None  # for a model that takes any
    outputs: tuple[str, ...] = ()  # what they are called, in order
    corners: Corners | None = None  # the order of those of its boxes
    label_file: str = ""
    labels: str = ""  # its text
    notes: ExportNotes | None = None  # of a YOLO's exporter
    complaint: str = ""  # why nothing of it could be read


def read_metadata(path: Path, buffer: bytes) -> ModelMetadata:
    """What ``buffer``, taken from the model at ``path``, and the files zipped to it say.

    Where it cannot be read, that is its ``complaint``: what a model cannot say of itself need
    not keep it from running.
    """
    try:
        found = _parse(buffer) if buffer else ModelMetadata()
        files = _text_files(path)
    except Exception as exc:  # whatever damaged bytes make three readers raise
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        return ModelMetadata(complaint=f"its metadata cannot be read ({reason})")
    notes = {name: read for name, text in files.items() if (read := read_notes(text)) is not None}
    labels = {name: text for name, text in files.items() if name not in notes}
    if (name := found.label_file) not in labels:
        texts = [name for name in labels if name.endswith(".txt")]
        name = texts[0] if len(texts) == 1 else ""
    return msgspec.structs.replace(
        found,
        label_file=name,
        labels=labels.get(name, ""),
        notes=next(iter(notes.values()), None),
    )


def _text_files(path: Path) -> dict[str, str]:
    """The files zipped to the end of a model that can be text, by name."""
    if not zipfile.is_zipfile(path):
        return {}
    texts = {}
    with zipfile.ZipFile(path) as files:
        names = [item.filename for item in files.infolist() if item.filename.endswith(TEXT_ENDINGS)]
        for name in names[:MOST_FILES]:
            with files.open(name) as file:
                data = file.read(MAX_LABELS_BYTES + 1)
            if len(data) > MAX_LABELS_BYTES:
                raise ValueError(f"{name} is too large for a label file")
            try:
                texts[name] = decode_text(data).text
            except UnicodeError as exc:
                raise ValueError(f"{name} is in no encoding that is known here") from exc
    return texts


class _Table:
    """A table of a flatbuffer; fields by their number in the schema."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @classmethod
    def root(cls, data: bytes) -> _Table:
        from flatbuffers.table import Table

        return cls(Table(data, struct.unpack_from("<I", data)[0]))

    def _at(self, field: int) -> int:
        """Where the field's value is; 0 where it is left out."""
        offset = int(self._table.Offset(4 + 2 * field))
        return int(self._table.Pos) + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        at = self._at(field)
        return int(struct.unpack_from(form, self._table.Bytes, at)[0]) if at else 0

    def text(self, field: int) -> str:
        at = self._at(field)
        return bytes(self._table.String(at)).decode(errors="replace") if at else ""

    def table(self, field: int) -> _Table | None:
        at = self._at(field)
        return self._table_at(self._table.Indirect(at)) if at else None

    def _table_at(self, position: int) -> _Table:
        return _Table(type(self._table)(self._table.Bytes, position))

    def _vector(self, field: int) -> tuple[int, int]:
        """Where the vector's items begin, and how many there are."""
        if not self._at(field):
            return 0, 0
        offset = self._table.Offset(4 + 2 * field)
        return int(self._table.Vector(offset)), int(self._table.VectorLen(offset))

    def tables(self, field: int) -> list[_Table]:
        start, length = self._vector(field)
        return [self._table_at(self._table.Indirect(start + 4 * i)) for i in range(length)]

    def whole_numbers(self, field: int) -> tuple[int, ...]:
        start, length = self._vector(field)
        return struct.unpack_from(f"<{length}I", self._table.Bytes, start)

    def floats(self, field: int) -> tuple[float, ...]:
        start, length = self._vector(field)
        return struct.unpack_from(f"<{length}f", self._table.Bytes, start)


def _parse(data: bytes) -> ModelMetadata:
    model = _Table.root(data)
    graphs = model.tables(3)
    if not graphs:
        return ModelMetadata()
    inputs, outputs = graphs[0].tables(2), graphs[0].tables(3)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size_wh = None
    for unit in inputs[0].tables(4) if inputs else ():
        options = unit.table(1)
        if unit.number(0, "B") == _NORMALIZATION and options is not None:
            mean, std = options.floats(0), options.floats(1)
    if inputs and not (mean and std and (mean, std) != ((0.0,), (1.0,))):
        mean, std = _by_stats(inputs[0].table(5)) or (mean, std)
    content = inputs[0].table(3) if inputs else None
    if content is not None and content.number(0, "B") == _IMAGE:
        image = content.table(1)
        size = image.table(1) if image is not None else None
        if size is not None:
            size_wh = size.number(0, "<I"), size.number(1, "<I")
    named = [
        file.text(0)
        for table in outputs
        for file in table.tables(6)
        if file.number(2, "B") in _LABELS and file.text(3)[:2] in ("", "en")
    ]
    return ModelMetadata(
        mean=mean,
        std=std,
        size_wh=size_wh,
        outputs=tuple(table.text(0) for table in outputs),
        corners=next(filter(None, map(_corners, outputs)), None),
        label_file=named[0] if named else "",
    )


def _corners(output: _Table) -> Corners | None:
    """The order of the corners in an output of boxes."""
    content = output.table(3)
    if content is None or content.number(0, "B") != _BOXES:
        return None
    properties = content.table(1)
    if properties is None or properties.number(1, "B") != _BOUNDARIES:
        return None
    return _CORNERS.get(properties.whole_numbers(0))


def _by_stats(stats: _Table | None) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and std by the greatest and the least value that an input may have."""
    if stats is None:
        return None
    most, least = set(stats.floats(0)), set(stats.floats(1))
    known = {(0.0, 1.0): (0.0, 255.0), (-1.0, 1.0): (127.5, 127.5), (0.0, 255.0): (0.0, 1.0)}
    if len(most) != 1 or len(least) != 1:
        return None
    found = known.get((least.pop(), most.pop()))
    return None if found is None else ((found[0],), (found[1],))
