from __future__ import annotations

import re
import sys

import pytest

from device.errors import SinkError
from device.outputs import retention
from device.outputs.file_names import STAMP
from device.outputs.retention import DiskSpace
from tests.device.conftest import names_in

OURS = re.compile(r"[ab]-(\d+)\.x")


def put(folder, name, size=100):
    (folder / name).write_bytes(bytes(size))
    return folder / name


@pytest.fixture
def free_bytes(monkeypatch):
    """Have the disk report what its one item says, or a plenty."""
    free = [1 << 40]
    usage = type("Usage", (), {"free": property(lambda self: free[0])})
    monkeypatch.setattr(retention.shutil, "disk_usage", lambda _: usage())
    return free


def test_files_of_earlier_runs_go_first_by_their_time(tmp_path):
    for name in ("b-1.x", "a-2.x", "b-3.x"):
        put(tmp_path, name)
    room = DiskSpace(tmp_path, 350, OURS)
    room.make(50)
    assert names_in(tmp_path) == ["a-2.x", "b-1.x", "b-3.x"]
    room.make(51)
    assert names_in(tmp_path) == ["a-2.x", "b-3.x"]
    room.add(put(tmp_path, "a-4.x"))
    room.make(100)
    assert names_in(tmp_path) == ["a-4.x", "b-3.x"]


def test_files_named_by_utc_and_by_local_time_go_in_one_order(tmp_path):
    for name in ("a-20261121T150000+0100.x", "a-20261121T143000Z.x", "a-20261121T150000Z.x"):
        put(tmp_path, name)
    room = DiskSpace(tmp_path, 200, re.compile(rf"a-{STAMP}\.x"))
    room.make()
    assert names_in(tmp_path) == ["a-20261121T143000Z.x", "a-20261121T150000Z.x"]
    room.make(100)
    assert names_in(tmp_path) == ["a-20261121T150000Z.x"]


def test_nothing_else_is_removed(tmp_path, free_bytes):
    others = ["c-1.x", "a-1.xy", "a-1x", "a-one.x", "xa-1.x"]
    for name in [*others, "a-1.x"]:
        put(tmp_path, name)
    free_bytes[0] = 0
    with pytest.raises(SinkError, match=f"{tmp_path}: the disk is full"):
        DiskSpace(tmp_path, 1, OURS).make()
    assert names_in(tmp_path) == sorted(others)


def test_nothing_is_removed_without_a_limit(tmp_path, free_bytes):
    put(tmp_path, "a-1.x")
    room = DiskSpace(tmp_path, None, OURS)
    room.add(put(tmp_path, "a-2.x"))
    room.make(1 << 40)
    free_bytes[0] = retention.MIN_FREE_BYTES - 1
    with pytest.raises(SinkError, match="the disk is full"):
        room.make()
    assert names_in(tmp_path) == ["a-1.x", "a-2.x"]
    assert not room._files, "a run of a year would remember them all"


def test_files_that_may_stay_take_little_memory(tmp_path):
    room = DiskSpace(tmp_path, 1 << 40)
    for number in range(500):
        room.add(put(tmp_path, f"a-{number:018}.x"))
    kept = sum(sys.getsizeof(item) + sum(map(sys.getsizeof, item)) for item in room._files)
    assert kept + sys.getsizeof(room._files) < 300 * 500, "bytes for each"


def test_nearly_full_disk_is_told_of_once(tmp_path, monkeypatch, free_bytes, capsys):
    for number in range(4):
        put(tmp_path, f"a-{number}.x")
    room = DiskSpace(tmp_path, 1 << 40, OURS)
    real = DiskSpace._remove_oldest

    def frees_some(self):
        real(self)
        free_bytes[0] = 1 << 40

    monkeypatch.setattr(DiskSpace, "_remove_oldest", frees_some)
    for left in (3, 2):
        free_bytes[0] = retention.MIN_FREE_BYTES - 1
        room.make()
        assert len(names_in(tmp_path)) == left
    assert capsys.readouterr().err == f"{tmp_path}: the disk is nearly full, the oldest go\n"


def test_file_that_is_gone_already_is_no_error(tmp_path):
    room = DiskSpace(tmp_path, 150)
    for number in range(3):
        room.add(put(tmp_path, f"a-{number}.x"))
    (tmp_path / "a-0.x").unlink()
    room.make()
    assert names_in(tmp_path) == ["a-2.x"]


def test_file_that_cannot_be_removed_is_an_error(tmp_path):
    (tmp_path / "a-1.x").mkdir()
    with pytest.raises(SinkError, match=r"a-1\.x: .*it was to make room"):
        DiskSpace(tmp_path, 1, OURS).make()
