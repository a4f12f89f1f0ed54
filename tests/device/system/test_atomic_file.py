from __future__ import annotations

import resource

import pytest

from device.errors import SinkError
from device.system.atomic_file import write_whole


def test_file_is_written_with_its_folders_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_file_that_may_not_grow_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"earlier")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(SinkError, match=r"file: .*; choose another file$"):
            write_whole(path, b"x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"earlier"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_name_that_a_folder_has_is_one_line(tmp_path):
    with pytest.raises(SinkError, match=r": Is a directory; say so$"):
        write_whole(tmp_path, b"", "say so")
