"""Full disks and files that may not grow: what a run leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device.images import read_image
from tests.conftest import ROOT
from tests.device.conftest import Ran, frames_of, names_in, write_video
from tests.helpers.children import start
from tests.helpers.device_command import finish, lines_of, spawn


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a file system that only its children see."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    tool = shutil.which("unshare")
    return bool(tool) and not subprocess.run(command, check=False, capture_output=True).returncode


def on_full_disk(small_bundle: Path, folder: Path, room: int, *arguments: str) -> Ran:
    """Run ``detect`` on the demo in ``folder``, with ``room`` bytes left there.

    In a small file system of its own where this process may mount one; elsewhere no file may
    grow beyond the room.
    """
    command = ["detect", small_bundle, "--source", "demo", "--frames", 300, *arguments]
    disk = folder.parent / "disk"
    disk.mkdir()
    if not can_mount(disk):
        return finish(spawn(*command, file_limit=20_000))
    # What the small file system holds at the end is carried out before it goes.
    script = (
        'set -e; disk=$1 folder=$2; mount -t tmpfs -o "size=$3" tmpfs "$disk"; shift 3;'
        'cp -a "$folder/." "$disk"; code=0; "$@" || code=$?;'
        'rm -r "$folder"; cp -a "$disk" "$folder"; exit $code'
    )
    inside = [sys.executable, "-m", "device"]
    inside += [str(part).replace(str(folder), str(disk)) for part in command]
    child = start(
        ["unshare", "--mount", "sh", "-c", script, "sh", disk, folder, str(room), *inside],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return finish(child)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


# Below 8 MB free the video stops while it still can be finished: once at the start, once after
# some frames.
@pytest.mark.parametrize("room", [4 << 20, 9 << 20])
def test_full_disk_while_writing_a_video_leaves_the_earlier_one(small_bundle, folder, room):
    earlier = write_video(folder / "earlier.avi", 3).rename(folder / "x.mp4").read_bytes()
    ran = on_full_disk(small_bundle, folder, room, "--output", str(folder / "x.mp4"))
    assert ran.code == 1
    assert "the disk is full (less than 8 MB free) after" in ran.error
    assert ran.error.endswith("x.mp4 is left as it was")
    assert (folder / "x.mp4").read_bytes() == earlier
    assert names_in(folder) == ["x.mp4"]


def test_file_that_may_not_grow_leaves_the_earlier_video(small_bundle, folder):
    (folder / "x.mp4").write_bytes(b"earlier")
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--frames", 60, "--output", folder / "x.mp4",
        file_limit=100_000,
    )  # fmt: skip
    ran = finish(child)
    assert ran.code == 1
    assert "File too large after" in ran.error
    assert ran.error.endswith("x.mp4 is left as it was")
    assert (folder / "x.mp4").read_bytes() == b"earlier"
    assert names_in(folder) == ["x.mp4"]


def test_full_disk_while_writing_pictures_leaves_whole_ones(small_bundle, folder):
    (folder / "earlier.jpg").write_bytes(b"earlier")
    ran = on_full_disk(small_bundle, folder, 9 << 20, "--output", str(folder))
    assert ran.code == 1
    assert "the disk is full (less than 8 MB free)" in ran.error or "File too large" in ran.error
    assert (folder / "earlier.jpg").read_bytes() == b"earlier"
    written = [path for path in folder.iterdir() if path.name != "earlier.jpg"]
    assert all(path.suffix == ".jpg" for path in written)
    for path in written:
        assert read_image(path).shape == (480, 640, 3)


def test_full_disk_while_logging_leaves_whole_lines(small_bundle, folder):
    (folder / "log.jsonl").write_text('{"frame": "earlier"}\n')
    ran = on_full_disk(small_bundle, folder, 40_000, "--log", str(folder / "log.jsonl"))
    assert ran.code == 1
    assert "No space left on device" in ran.error or "File too large" in ran.error
    first, *others = lines_of(folder / "log.jsonl")
    assert first == {"frame": "earlier"}
    assert [line["frame"] for line in others] == list(range(len(others)))
    assert len(others) > 20


def test_log_on_a_full_device_is_one_line(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "demo", "--frames", 2, "--log", "/dev/full")
    assert ran.code == 1
    assert ran.error == "error: /dev/full: No space left on device"


def test_video_survives_a_log_that_fails(device, small_bundle, tmp_path):
    output = tmp_path / "x.mp4"
    ran = device(
        "detect", small_bundle, "--source", "demo", "--output", output, "--log", "/dev/full"
    )
    assert ran.code == 1
    assert "/dev/full" in ran.error
    assert len(frames_of(output)) == 1
