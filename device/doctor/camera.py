"""Checks of the cameras: seen, allowed to be opened, and not in another program's hands."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.doctor.groups import group_advice, is_in_group
from device.system.board import read_text

# Names that the receivers of camera connectors give their nodes: up to the Pi 4, and the Pi 5.
RECEIVERS = ("unicam-image", "rp1-cfe-csi2_ch0")
# They keep cameras open without using them.
ONLY_WATCHING = ("wireplumber", "pipewire")
CAMERA_GROUP = "video"


class CameraNode(NamedTuple):
    """A node of Video4Linux that gives pictures."""

    node: Path
    name: str
    is_usb: bool


def check_camera(case: Case) -> Iterator[Finding]:
    """Which cameras there are."""
    usb = [
        f"{camera.name} ({camera.node.name}, USB)" for camera in cameras(case.root) if camera.is_usb
    ]
    if not case.board.is_pi:
        yield Finding("camera", "ok", ", ".join(usb) or "none; files and streams need none")
        return
    listing = case.cameras
    found = [*listing.sensors, *usb]
    if found:
        yield Finding("camera", "ok", ", ".join(found))
    elif listing.error is not None:
        install = "sudo apt install rpicam-apps-lite && rpicam-hello --list-cameras"
        yield Finding("camera", "unknown", listing.error, install)
    else:
        config = read_text(case.root / "boot/firmware/config.txt")
        if config and not re.search(
            r"^(camera_auto_detect=1|dtoverlay=(imx|ov))", config, re.MULTILINE
        ):
            yield Finding(
                "camera",
                "warning",
                "libcamera sees none, and /boot/firmware/config.txt does not ask for it",
                "echo camera_auto_detect=1 | sudo tee -a /boot/firmware/config.txt && sudo reboot",
            )
        else:
            yield Finding(
                "camera",
                "warning",
                "libcamera sees none; files and streams need none",
                "switch the Pi off, push the ribbon in straight at both ends, contacts towards "
                "the contacts, and try: rpicam-hello --list-cameras",
            )


def check_camera_access(case: Case) -> Iterator[Finding]:
    """Whether this user may open the cameras."""
    nodes = [camera.node for camera in cameras(case.root)]
    if nodes and case.cameras.sensors:
        nodes += sorted((case.root / "dev").glob("media*"))
    refused = {}
    for node in nodes:
        error = _open_error(node)
        if error is not None:
            refused[node] = error
    if not nodes:
        if case.board.is_pi and not is_in_group(CAMERA_GROUP):
            yield Finding(
                "camera access", "warning", *group_advice(CAMERA_GROUP, "may open cameras")
            )
        return
    if not refused:
        names = ", ".join(f"/dev/{node.name}" for node in nodes)
        yield Finding("camera access", "ok", f"{names} can be opened")
    elif all(error == errno.EACCES for error in refused.values()) and not is_in_group(CAMERA_GROUP):
        yield Finding("camera access", "problem", *group_advice(CAMERA_GROUP, "may open cameras"))
    else:
        yield Finding(
            "camera access",
            "problem",
            "; ".join(f"/dev/{node.name}: {os.strerror(code)}" for node, code in refused.items()),
            "unplug the camera and plug it in again, then: sudo dmesg | tail",
        )


def check_camera_in_use(case: Case) -> Iterator[Finding]:
    """Whether another program has a camera, which one program at a time can use."""
    found = cameras(case.root)
    holders: dict[int, str] = {}
    for node in sorted((case.root / "dev").glob("media*")) if found else []:
        holders.update(dict.fromkeys(locked_by(node, case.root), node.name))
    for camera in found:
        holders.update(dict.fromkeys(opened_by(camera.node, case.root), camera.node.name))
    named = {pid: read_text(case.root / f"proc/{pid}/comm").strip() for pid in holders}
    using = {
        pid: name for pid, name in named.items() if pid != os.getpid() and name not in ONLY_WATCHING
    }
    if using:
        who = ", ".join(
            f"{name} (process {pid}, /dev/{holders[pid]})" for pid, name in using.items()
        )
        pids = " ".join(map(str, using))
        yield Finding(
            "camera in use", "warning", f"by {who}", f"ps -fp {pids}   # then: kill {pids}"
        )
    elif found:
        yield Finding("camera in use", "ok", "by no program that can be seen")


def cameras(root: Path) -> list[CameraNode]:
    """The nodes that give pictures; codecs and image processors are nodes too, and left out."""
    found = []
    for entry in sorted((root / "sys/class/video4linux").glob("video*")):
        name = read_text(entry / "name").strip()
        is_usb = "DRIVER=uvcvideo" in read_text(entry / "device/uevent")
        is_image = read_text(entry / "index").strip() in ("0", "")  # the next is metadata
        if (is_usb and is_image) or name in RECEIVERS:
            found.append(CameraNode(root / "dev" / entry.name, name, is_usb))
    return found


def locked_by(node: Path, root: Path) -> list[int]:
    """Processes with a lock on ``node``, as libcamera takes one on the media device it uses."""
    try:
        status = node.stat()
    except OSError:
        return []
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    lines = [line.split() for line in read_text(root / "proc/locks").splitlines()]
    return [int(line[4]) for line in lines if line[5:6] == [device] and int(line[4]) > 0]


def opened_by(node: Path, root: Path) -> list[int]:
    """Processes that have ``node`` open; those of other users only root can see."""
    found = []
    for process in (root / "proc").glob("[0-9]*"):
        try:
            links = [link.readlink() for link in (process / "fd").iterdir()]
        except OSError:  # another user's, or just gone
            continue
        if node in links:
            found.append(int(process.name))
    return found


def _open_error(node: Path) -> int | None:
    try:
        os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK))
    except OSError as exc:
        return exc.errno
    return None
