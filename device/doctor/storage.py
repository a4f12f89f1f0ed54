"""Checks of the folder that logs and videos go to: space, and whether it wears a card."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.system.board import read_text

TOO_LITTLE_MB = 50
LITTLE_MB = 500
MMC_MAJOR = "179"  # Documentation/admin-guide/devices.txt of Linux: SD cards and eMMC
IN_MEMORY = ("tmpfs", "ramfs")


class Mount(NamedTuple):
    """A file system and where it is mounted."""

    point: str
    major: str  # of the device's number
    kind: str
    source: str


def check_disk(case: Case) -> Iterator[Finding]:
    """Space and file entries left, and whether anything may be written at all."""
    folder = case.folder
    try:
        system = os.statvfs(folder)
    except OSError as exc:
        yield Finding("disk", "unknown", f"{folder}: {exc.strerror}")
        return
    free_mb = system.f_bavail * system.f_frsize / 1e6
    what = f"{_size(free_mb)} free of {_size(system.f_blocks * system.f_frsize / 1e6)} in {folder}"
    mend = "du -xh -d 2 / 2>/dev/null | sort -h | tail   # and delete what is not needed"
    if system.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        yield Finding(
            "disk",
            "warning",
            f"{folder} cannot be written: no log or video can be kept in it",
            "run in a folder of your own: cd ~",
        )
    elif system.f_files and not system.f_favail:
        yield Finding("disk", "problem", f"{what}, but no entry for another file", mend)
    elif free_mb < TOO_LITTLE_MB:
        yield Finding("disk", "problem", f"{what}: a log or video would end the run", mend)
    elif free_mb < LITTLE_MB:
        yield Finding("disk", "warning", f"{what}: little, a video fills it soon", mend)
    else:
        yield Finding("disk", "ok", what)


def check_card(case: Case) -> Iterator[Finding]:
    """Whether what a run writes goes to an SD card, which wears out by being written."""
    mount = mount_of(case.folder, case.root)
    if mount is None:
        yield Finding("card", "unknown", f"no mount is known for {case.folder}")
    elif mount.kind in IN_MEMORY:
        yield Finding("card", "ok", f"{case.folder} is in memory ({mount.kind}): gone at power-off")
    elif mount.major != MMC_MAJOR:
        yield Finding("card", "ok", f"{case.folder} is on {mount.source}, no SD card")
    else:
        swaps = read_text(case.root / "proc/swaps").splitlines()[1:]
        files = [line.split()[0] for line in swaps if line.split()[1:2] == ["file"]]
        swap = f"; so is the swap file {files[0]}" if files else ""
        yield Finding(
            "card",
            "warning",
            f"{case.folder} is on an SD card or eMMC ({mount.source}), which writing wears{swap}. "
            "A log has some 400 bytes a frame: 0.3 GB a day at 10 FPS",
            "--log /dev/shm/found.jsonl keeps it in memory; or log to a USB drive",
        )


def mount_of(folder: Path, root: Path) -> Mount | None:
    """The mount that holds ``folder``, by the ``mountinfo`` below ``root``; see proc(5)."""
    best = None
    path = str(folder.resolve())
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        fields, separator, tail = line.partition(" - ")
        if not separator:
            continue
        number, point = fields.split()[2], _unescaped(fields.split()[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # A later mount of the same point hides the earlier.
        if inside and (best is None or len(point) >= len(best.point)):
            kind, source = tail.split()[:2]
            best = Mount(point, number.partition(":")[0], kind, source)
    return best


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


def _size(megabytes: float) -> str:
    return f"{megabytes / 1e3:.1f} GB" if megabytes >= 1e3 else f"{megabytes:.1f} MB"
