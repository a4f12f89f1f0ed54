from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys

from device.system.file_lock import is_locked, take_lock
from tests.conftest import ROOT
from tests.helpers.children import start

HOLDS = """
import os, sys
from device.system.file_lock import take_lock
assert take_lock(os.open(sys.argv[1], os.O_RDWR))
print("held", flush=True)
sys.stdin.read()
"""


def test_lock_is_seen_by_others_and_gone_with_its_process(tmp_path):
    path = tmp_path / "a"
    path.touch()
    assert not is_locked(path)
    with start([sys.executable, "-c", HOLDS, path], cwd=ROOT, stdin=subprocess.PIPE,
               stdout=subprocess.PIPE) as child:  # fmt: skip
        assert child.stdout.readline() == "held\n"
        assert is_locked(path)
        child.kill()
        child.wait()
    assert not is_locked(path)


def test_file_that_is_not_there_is_not_locked(tmp_path):
    assert not is_locked(tmp_path / "nowhere")


def test_file_system_without_locks_lets_all_have_it(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "a").open("w") as file:
        assert take_lock(file.fileno())
