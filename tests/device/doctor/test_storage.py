from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.doctor.network import check_port
from device.doctor.storage import check_card, check_disk, mount_of
from tests.helpers.boards import lay_out


def only(findings: object) -> Finding:
    (finding,) = findings
    return finding


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system in memory, with options such as its size."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mounted(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True)
        if done.returncode != 0:
            pytest.skip("mounting a small file system is not allowed here")
        return folder

    yield mounted
    if folder.is_mount():
        subprocess.run(["umount", folder], check=True)


def in_folder(folder: Path) -> Case:
    return dataclasses.replace(Case.here(), folder=folder)


def test_room_enough_is_ok(mount):
    finding = only(check_disk(in_folder(mount("size=600m"))))
    assert finding.verdict == "ok"
    assert finding.found.startswith("629.1 MB free of 629.1 MB")


def test_full_file_system_is_a_problem(mount):
    folder = mount("size=1m")
    with pytest.raises(OSError, match="No space left"), (folder / "log").open("wb") as log:
        while True:
            log.write(bytes(1 << 16))
            log.flush()
    finding = only(check_disk(in_folder(folder)))
    assert finding.verdict == "problem"
    assert finding.found.startswith("0.0 MB free of 1.0 MB")
    assert "du -xh" in finding.mend


def test_little_room_is_a_warning(mount):
    assert only(check_disk(in_folder(mount("size=300m")))).verdict == "warning"


def test_no_entry_for_another_file_is_a_problem(mount):
    folder = mount("size=600m,nr_inodes=2")
    (folder / "last").touch()
    finding = only(check_disk(in_folder(folder)))
    assert finding.verdict == "problem"
    assert "no entry for another file" in finding.found


def test_read_only_file_system_is_a_warning(mount):
    finding = only(check_disk(in_folder(mount("size=600m,ro"))))
    assert finding.verdict == "warning"
    assert "cannot be written" in finding.found


def test_folder_that_is_gone_is_unknown(tmp_path):
    assert only(check_disk(in_folder(tmp_path / "gone"))).verdict == "unknown"


def test_memory_wears_no_card(mount):
    finding = only(check_card(in_folder(mount("size=1m"))))
    assert finding.verdict == "ok"
    assert "in memory (tmpfs)" in finding.found


@pytest.mark.parametrize(
    ("name", "swap"),
    [("pi_4", "so is the swap file /var/swap"), ("pi_3", "/dev/root"), ("pi_5", None)],
)
def test_folder_on_a_card_is_a_warning(tmp_path, name, swap):
    root = lay_out(name, tmp_path)
    case = dataclasses.replace(Case.here(root=root), folder=Path("/home/pi"))
    finding = only(check_card(case))
    assert finding.verdict == "warning"
    assert "which writing wears" in finding.found
    assert "/dev/shm" in finding.mend
    assert "swap" not in finding.found if swap is None else swap in finding.found


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("/home/pi", "/dev/mmcblk0p2"),
        ("/mnt/my disk/logs", "/dev/sda1"),
        ("/mnt/my disks", "/dev/mmcblk0p2"),  # begins alike, but is another folder
        ("/srv", "/dev/nvme0n1p1"),
    ],
)
def test_innermost_and_latest_mount_holds_a_folder(tmp_path, folder, source):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n"
        "30 22 8:1 / /mnt/my\\040disk rw,relatime - ext4 /dev/sda1 rw\n"
        "31 22 8:17 / /srv rw - ext4 /dev/sdb1 rw\n"
        "32 31 259:1 / /srv rw - ext4 /dev/nvme0n1p1 rw\n"
        "a broken line\n"
    )
    mount = mount_of(Path(folder), tmp_path)
    assert mount is not None
    assert mount.source == source


def test_mount_of_a_real_folder_has_the_number_of_its_device(tmp_path):
    mount = mount_of(tmp_path, Path("/"))
    assert mount is not None
    assert mount.major == str(os.major(tmp_path.stat().st_dev))


def test_no_mounts_known_is_unknown(tmp_path):
    case = dataclasses.replace(Case.here(root=tmp_path), folder=tmp_path)
    assert only(check_card(case)).verdict == "unknown"


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_taken_port_is_a_warning_and_a_freed_one_is_not(address):
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        taken = only(check_port(dataclasses.replace(Case.here(), port=port)))
    free = only(check_port(dataclasses.replace(Case.here(), port=port)))
    assert (taken.verdict, free.verdict) == ("warning", "ok")
    assert taken.found.startswith(f"{port} is taken")
    assert f":{port}" in taken.mend
