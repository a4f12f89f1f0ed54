"""The scene editor: zones, lines and masks of a run, changed while it runs and kept in a file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from device.errors import UsageError
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_view import ADVICE, SceneView
from device.visits.mask import PrivacyMask
from device.visits.plan import CountingLine, Mask, Zone, read_plan
from device.visits.plan_file import PLACES, Tables, write_places


class Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The places of a scene: all there are to be, not a change."""

    zone: tuple[Zone, ...] = ()
    line: tuple[CountingLine, ...] = ()
    mask: tuple[Mask, ...] = ()


_TYPES = {"zone": Zone, "line": CountingLine, "mask": Mask}


class SceneEditor:
    """The editor of a run's places, for any thread; what is saved acts on the next frame."""

    def __init__(
        self, pipeline: Pipeline, file: Path | None, tables: Tables, labels: Sequence[str]
    ) -> None:
        """``tables`` are those in force, with the rules; without a ``file`` they stay.

        What is wrong with one of them is to be mended on the page, if it can be drawn there at all.
        """
        self._pipeline = pipeline
        self._file = file
        self._tables: Tables = {
            name: [entry for entry in tables[name] if _is_drawable(name, entry)] for name in tables
        }
        self._labels = labels
        self._left_out: Sequence[str] = read_plan(tables, labels)[1]
        self._lock = threading.Lock()

    @property
    def view(self) -> SceneView:
        """The places in force now."""
        zones, lines, masks = (self._tables.get(name, ()) for name in PLACES)
        if self._file is None:
            return SceneView(zones, lines, masks)
        return SceneView(zones, lines, masks, str(self._file), None, tuple(self._left_out))

    def save(self, places: Places) -> SceneView:
        """Keep ``places`` in the file and watch them from now on; all or nothing.

        A rule whose zone is gone is left out, and said so. Raises ``UsageError`` for what cannot
        be used, ``SinkError`` where the file cannot be written.
        """
        if self._file is None:
            raise UsageError(ADVICE)
        given = msgspec.json.decode(msgspec.json.encode(places))
        drawn = {
            name: [_without_defaults(name, entry) for entry in given.get(name, ())]
            for name in PLACES
        }
        with self._lock:
            _, flaws = read_plan(drawn, self._labels)
            if flaws:
                raise UsageError("; ".join(line.replace(" is left out:", ":") for line in flaws))
            tables = {**drawn, "rule": self._tables.get("rule", ())}
            plan, self._left_out = read_plan(tables, self._labels)
            write_places(self._file, drawn)
            self._tables = tables
            self._pipeline.take_plan(plan, PrivacyMask(plan.masks) if plan.masks else None)
            return self.view


def _is_drawable(kind: str, entry: Any) -> bool:
    """Whether the page can draw an entry, be it right or wrong; a rule is not drawn."""
    if kind not in _TYPES:
        return True
    try:
        msgspec.convert(entry, _TYPES[kind])
    except msgspec.ValidationError:
        return False
    return True


def _without_defaults(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
    unneeded = ("name", "") if kind == "mask" else None  # of others a name is expected
    return {
        name: value
        for name, value in entry.items()
        if value not in ([], {}, False) and (name, value) != unneeded
    }
