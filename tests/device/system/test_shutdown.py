"""The end of a process that hangs, tried in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from device.system.shutdown import GracefulShutdown, join_all
from tests.conftest import ROOT
from tests.helpers.children import start

CALLS = """
import ctypes, sys
from device.system.shutdown import GracefulShutdown
with GracefulShutdown({deadline_s}) as shutdown:
    shutdown.last_wishes += [lambda: 1 / 0, lambda: print("wish", flush=True)]
    print("ready", flush=True)
    while {loop}:
        ctypes.CDLL(None).{call}
print("left", flush=True)
"""
HANGS = CALLS.format(deadline_s=0.2, loop=True, call="sleep(1000)")
LEAVES = CALLS.format(deadline_s=100, loop="not shutdown.stop.is_set()", call="usleep(1000)")
LEAVES_A_CYCLE = """
from device.system.shutdown import leave
class Cycle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("searched")
Cycle()
leave(3)
"""
READ_NOTHING = "read(ctypes.c_int(7), 0, 1)"


def child(code: str, **options: object) -> subprocess.Popen[str]:
    process = start(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_process_that_hangs_in_a_library_is_ended_after_its_last_wishes(number):
    process = child(HANGS)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 1
    assert out == "wish\n"
    assert err == "error: the run did not end within 0.2 s; ended by force\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_process_that_leaves_in_time_goes_on(number):
    process = child(LEAVES)
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "left\n", "")


def test_hangup_that_nohup_ignores_stays_ignored():
    process = child(LEAVES, ignoring=[signal.SIGHUP])
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[0] == "left\n"


def test_stderr_that_takes_nothing_does_not_hold_up_the_end():
    read, write = os.pipe()
    os.set_blocking(write, False)
    while True:
        try:
            os.write(write, b"x" * 4096)
        except BlockingIOError:
            break
    process = start([sys.executable, "-c", HANGS], cwd=ROOT, stdout=subprocess.PIPE, stderr=write)
    with process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait() == 1
    os.close(read)
    os.close(write)


def test_dispositions_are_as_before_afterwards():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with GracefulShutdown() as shutdown:
        assert not shutdown.stop.is_set()
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "shutdown" not in [thread.name for thread in threading.enumerate()]


def test_threads_that_do_not_end_are_named():
    enough = threading.Event()
    hangs = threading.Thread(target=enough.wait, daemon=True)
    ends = threading.Thread(target=lambda: None)
    for thread in (hangs, ends):
        thread.start()
    assert join_all([hangs, ends], 0.05) == [hangs]
    enough.set()
    assert join_all([hangs], 30) == []


def test_process_that_leaves_is_not_searched_for_garbage():
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_CYCLE], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
