"""Readings: what a Pi's answers say, read by pattern and bounded, for a Pi may be anybody's."""

from __future__ import annotations

import math
import re
from typing import Annotated

import msgspec

from device.image_header import image_size
from device.json_text import decode_json

MOST_METRICS_BYTES = 256_000  # a run with a hundred zones tells 30 kB
MOST_VISITS_BYTES = 64_000
MOST_PICTURE_BYTES = 1_000_000  # 1280x720 at quality 80 is a fifth of it
MOST_HEADER_BYTES = 64 << 10
MOST_SIDE = 4096  # pixels; a browser's memory is what it costs
LONGEST_TEXT = 80

_SERIES = re.compile(
    rb"^liteberry_(up|camera_lost|fps|temperature_celsius|throttled|under_voltage|disk_free_bytes)"
    rb'(?:\{camera="(?:[^"\\\n]|\\.){1,160}"\})? ([0-9.eE+-]{1,32})$',
    re.MULTILINE,
)
_INFO = re.compile(rb"^liteberry_info\{([^\n]{0,4000})\} 1(?:\.0)?$", re.MULTILINE)
_LABEL = re.compile(rb'([a-z_]{1,32})="((?:[^"\\\n]|\\.){0,400})"')
_ESCAPE = re.compile(r"\\(.)")


class Reading(msgspec.Struct, frozen=True):
    """What ``/metrics`` said; None where it did not."""

    name: str | None = None
    version: str | None = None
    bundle: str | None = None
    model: str | None = None
    variant: str | None = None
    up: bool = False
    camera_lost: bool = False
    fps: float | None = None
    temperature_c: float | None = None
    throttled: bool = False
    under_voltage: bool = False
    disk_free_bytes: float | None = None


class LastVisit(msgspec.Struct, frozen=True):
    """The newest visit that a Pi keeps; seconds since 1970."""

    label: str
    began_s: float
    under_way: bool


def read_metrics(data: bytes) -> Reading | None:
    """The reading of the text of ``/metrics``; None where it is not a liteberry's."""
    values: dict[str, float] = {}
    for series, text in _SERIES.findall(data):
        if (value := _number(text)) is not None:
            name = series.decode()
            values[name] = _of_all(name, values[name], value) if name in values else value
    if "up" not in values:
        return None
    info = _INFO.search(data)
    told = {} if info is None else {k.decode(): _text(v) for k, v in _LABEL.findall(info[1])}
    return Reading(
        name=told.get("name"),
        version=told.get("version"),
        bundle=told.get("bundle"),
        model=told.get("model"),
        variant=told.get("variant"),
        up=values["up"] == 1,
        camera_lost=values.get("camera_lost") == 1,
        fps=values.get("fps"),
        temperature_c=values.get("temperature_celsius"),
        throttled=values.get("throttled") == 1,
        under_voltage=values.get("under_voltage") == 1,
        disk_free_bytes=values.get("disk_free_bytes"),
    )


def _of_all(name: str, earlier: float, value: float) -> float:
    """What holds for several cameras of one run: as well as the worst, and as fast as all."""
    if name == "fps":
        return earlier + value
    return min(earlier, value) if name == "up" else max(earlier, value)


def _number(text: bytes) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _text(data: bytes) -> str:
    """The value of a label, unescaped, without what is no letter or sign, and not too long."""
    text = _ESCAPE.sub(
        lambda found: " " if found[1] == "n" else found[1], data.decode("utf-8", "replace")
    )
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[
        :LONGEST_TEXT
    ]


class _Visit(msgspec.Struct):
    label: Annotated[str, msgspec.Meta(max_length=1000)]
    began_s: float
    under_way: bool = False


class _Visits(msgspec.Struct):
    visits: Annotated[list[_Visit], msgspec.Meta(max_length=100)]


def read_last_visit(data: bytes) -> LastVisit | None:
    """The newest visit that ``/api/visits`` tells; None where it tells none, or something else."""
    try:
        visits = decode_json(data, _Visits).visits
    except msgspec.DecodeError:
        return None
    if not visits or not math.isfinite(visits[0].began_s):
        return None
    return LastVisit(_text(visits[0].label.encode()), visits[0].began_s, visits[0].under_way)


def is_picture(data: bytes) -> bool:
    """Whether ``data`` is a JPEG of a size that a browser may be given."""
    if not data.startswith(b"\xff\xd8\xff"):
        return False
    size_wh = image_size(data[:MOST_HEADER_BYTES])
    return size_wh is not None and all(0 < side <= MOST_SIDE for side in size_wh)
