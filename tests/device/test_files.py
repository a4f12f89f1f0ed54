from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.files import open_regular, read_regular


def test_regular_file_is_read_whole_up_to_the_limit(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_regular(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match=r"more than 4e-06 MB") as caught:
        read_regular(tmp_path / "a", 4)
    assert caught.value.strerror == "more than 4e-06 MB, too large for this"


def test_link_to_a_file_is_followed(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "b", 1) == b"1"


def test_pipe_is_refused_at_once_though_nobody_writes_to_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        open_regular(tmp_path / "pipe")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_device_is_refused(path):
    with pytest.raises(OSError, match="no regular file"):
        read_regular(Path(path), 10)


def test_folder_and_missing_file_say_what_they_are(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        read_regular(tmp_path, 10)
    assert caught.value.strerror == "Is a directory"
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 10)


def test_refused_file_is_left_closed(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match=r"."):
            open_regular(path)
    after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    assert after == before


def test_limit_takes_no_memory_that_the_file_does_not_need(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_regular(tmp_path / "a", 2**62) == b"12345"
