"""The overview of a fleet: a tile for each Pi, those that need somebody first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from device.hub.monitor import Health, Monitor
from device.hub.readings import LastVisit, Reading

ORDER = {health: place for place, health in enumerate(Health)}


class Tile(msgspec.Struct, frozen=True):
    """What the page shows of a Pi: no token, and no address but that of its page."""

    number: int  # of this Pi alone
    host: str
    name: str
    link: str
    health: Health
    why: str
    for_s: float  # that it has been so, as far as the hub knows
    other: str  # how its version or bundle differs from those of most; empty where it does not
    reading: Reading | None
    last_visit: LastVisit | None
    picture: int  # which; 0 where there is none


class Overview(msgspec.Struct, frozen=True):
    """All tiles, and what most Pis run."""

    tiles: list[Tile]
    version: str | None
    bundle: str | None


def overview_of(monitors: Sequence[Monitor]) -> Overview:
    """The overview as of now."""
    readings = [monitor.reading for monitor in monitors if monitor.reading is not None]
    version = _most_common([reading.version for reading in readings])
    bundle = _most_common([reading.bundle for reading in readings])
    counts = Counter(_name_of(monitor) for monitor in monitors)
    tiles = [_tile(item, version, bundle, alone=counts[_name_of(item)] == 1) for item in monitors]
    tiles.sort(key=lambda t: (ORDER[t.health], not t.other, t.name.casefold(), t.number))
    return Overview(tiles, version, bundle)


def _name_of(monitor: Monitor) -> str:
    reading = monitor.reading
    return (reading.name if reading else None) or monitor.host.name


def _tile(monitor: Monitor, version: str | None, bundle: str | None, *, alone: bool) -> Tile:
    reading, host, name = monitor.reading, monitor.host, _name_of(monitor)
    return Tile(
        number=monitor.number,
        host=host.name,
        name=name if alone else f"{name} ({host.page})",  # where others are called so too
        link=host.link,
        health=monitor.health,
        why=monitor.why,
        for_s=round(time.monotonic() - monitor.since_s),
        other="" if reading is None else _difference(reading, version, bundle),
        reading=reading,
        last_visit=monitor.last_visit,
        picture=monitor.pictures,
    )


def _difference(reading: Reading, version: str | None, bundle: str | None) -> str:
    told = []
    if reading.version != version:
        told.append(f"version {reading.version or 'unknown'}, most have {version or 'unknown'}")
    if reading.bundle != bundle:
        told.append(f"bundle {reading.bundle or 'unknown'}, most have {bundle or 'unknown'}")
    return "; ".join(told)


def _most_common(values: list[str | None]) -> str | None:
    """What most have; of as many, what sorts last, such as the newer of two versions."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value or ""), default=None)
