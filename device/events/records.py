"""Records of the event store: visits, their pictures, and what goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from device.errors import LiteberryError
from device.inference.boxes import Box


class StoreError(LiteberryError, OSError):
    """An event store that is damaged, of a newer format, or cannot be written."""


class DamagedError(StoreError):
    """A store that cannot be read any more."""


class StoredFinding(msgspec.Struct, frozen=True):
    """Something that was found on a picture of the store."""

    label: str
    class_id: int
    score: float
    box: Box  # source pixels
    visit_id: int | None = None  # of the visit, where it is part of one: a number of the run's


@dataclass(frozen=True, slots=True)
class BestPicture:
    """The best picture of a visit, without anything drawn on it, and all that was found on it."""

    jpeg: bytes
    size_wh: tuple[int, int]
    findings: tuple[StoredFinding, ...]

    def box_of(self, visit_id: int) -> Box | None:
        """The box of a visit of the run, 0 to 1 of width and height; None where it is not known."""
        width, height = self.size_wh
        for found in self.findings:
            if found.visit_id == visit_id:
                x_min, y_min, x_max, y_max = found.box
                sides = (x_min / width, y_min / height, x_max / width, y_max / height)
                left, top, right, bottom = (round(min(max(side, 0.0), 1.0), 4) for side in sides)
                return left, top, right, bottom
        return None


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """A visit as the store has it; times are seconds since 1970."""

    number: int  # of the store, never used again
    label: str
    class_id: int
    began_s: float
    ended_s: float
    under_way: bool
    score: float
    zones: tuple[str, ...]
    source: str
    has_picture: bool
    kept: bool = False  # whatever the quota and its age
    clip: str | None = None  # name of the file that shows it, in the folder of clips
    box: Box | None = None  # on its picture, 0 to 1 of width and height


@dataclass(frozen=True, slots=True)
class VisitSpan:
    """When a visit was there, and where; times are seconds since 1970."""

    number: int
    label: str
    class_id: int
    began_s: float
    ended_s: float
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFilter:
    """A choice of visits: those that fit all of it."""

    labels: tuple[str, ...] = ()  # one of these; empty: any
    zones: tuple[str, ...] = ()  # in one of these; empty: in any, or in none
    since_s: float | None = None  # seconds since 1970: not over by then
    until_s: float | None = None  # begun before then
    kept: bool = False  # only those that are to be kept

    def fits(self, label: str, zones: tuple[str, ...]) -> bool:
        """Whether a visit of ``label`` in ``zones`` is of those classes and zones."""
        return (not self.labels or label in self.labels) and (
            not self.zones or not set(self.zones).isdisjoint(zones)
        )
