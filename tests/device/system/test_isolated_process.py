from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from device.errors import InterpreterError
from device.paths import ROOT
from device.schema import Record
from device.system.isolated_process import ask, converse
from tests.helpers.children import wait_until


class Count(Record, frozen=True):
    """A request for as many answers."""

    answers: int


class Number(Record, frozen=True, tag="number"):
    """One of them."""

    value: int
    pid: int


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Let a shell script stand in for Python: what a child can do, it can do."""

    def write(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return write


COUNTS = 'cat >/dev/null; for n in 1 2; do echo \'{"type":"number","value":\'$n\',"pid":\'$$\'}\''


def exists(pid: int) -> bool:
    """Whether there is such a process, be it that nobody has reaped it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_answers_come_while_the_child_still_works(python):
    python(f"{COUNTS}; sleep 30; done")
    answers = converse("any", Count(answers=2), Number, "here")
    first = next(answers)
    assert first.value == 1
    assert exists(first.pid)
    answers.close()
    assert not exists(first.pid)


def test_all_answers_come_in_order(python):
    python(f"{COUNTS}; done")
    assert [item.value for item in converse("any", Count(answers=2), Number, "here")] == [1, 2]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -SEGV $$", r"^x in y: the interpreter crashed \(SIGSEGV\)"),
        ("kill -ABRT $$", r"crashed \(SIGABRT\)"),
        ("echo first >&2; echo last >&2; exit 3", r"^x in y: the process failed \(last\)"),
        ("echo nonsense; sleep 30", r"the process failed \(no output\)"),
        ('echo \'{"type": "failure", "error": "no such thing"}\'', r"^no such thing$"),
        (f"{COUNTS}; done; kill -SEGV $$", r"crashed \(SIGSEGV\)"),
        (f"{COUNTS}; done", r"^x in y: the process gave 2 answers"),
        ("true", r"^x in y: the process gave 0 answers"),
    ],
)
def test_child_that_fails_is_only_an_answer(python, script, said):
    python(script)
    with pytest.raises(InterpreterError, match=said):
        ask("any", Count(answers=1), Number, "x in y")


def test_child_that_hangs_is_given_up_and_ended(python, tmp_path, monkeypatch):
    python(f"echo $$ >{tmp_path}/partial; mv {tmp_path}/partial {tmp_path}/pid; exec sleep 1000")

    class TimerOfAChildThatHangs(threading.Timer):
        def run(self) -> None:
            assert self.interval == 1
            wait_until((tmp_path / "pid").exists)
            self.function()

    monkeypatch.setattr(threading, "Timer", TimerOfAChildThatHangs)
    with pytest.raises(InterpreterError, match=r"^x in y: no answer in 1 s"):
        ask("any", Count(answers=1), Number, "x in y", timeout_s=1)
    assert not exists(int((tmp_path / "pid").read_text()))


def test_interrupted_parent_ends_its_child(python, tmp_path):
    python(f"echo $$ >{tmp_path}/pid; kill -INT $PPID; exec sleep 1000")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        ask("any", Count(answers=1), Number, "x in y")
    assert not exists(int((tmp_path / "pid").read_text()))


def test_interrupt_that_comes_first_of_all_leaves_no_timer(python, monkeypatch):
    python("exec sleep 1000")
    timers = []

    class InterruptedTimer(threading.Timer):
        def start(self) -> None:
            timers.append(self)
            super().start()
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Timer", InterruptedTimer)
    with pytest.raises(KeyboardInterrupt):
        ask("any", Count(answers=1), Number, "x in y")
    assert timers[0].finished.is_set()


def test_ctrl_c_that_reaches_the_child_first_is_the_users(python):
    # Not by the shell, in which an interrupt stays ignored where it was ignored before.
    code = "import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2)"
    python(f'exec "{sys.executable}" -c "{code}"')
    with pytest.raises(KeyboardInterrupt):
        ask("any", Count(answers=1), Number, "x in y")


SPINS = """
from device.schema import Record
from device.system.isolated_process import serve
import os, sys

class Count(Record, frozen=True):
    answers: int

def work(request, reply):
    os.write(2, f"{os.getpid()}\\n".encode())
    sys.setswitchinterval(1e6)  # as a library that lets no other thread of Python's run
    while True:
        pass

serve(Count, work)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end a child with its parent")
def test_child_that_spins_ends_with_a_parent_that_is_killed():
    start = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SPINS!r}], stdin=subprocess.PIPE)\n"
        "child.stdin.write(b'{\"answers\": 1}')\n"
        "child.stdin.close()\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        child = int(parent.stderr.readline())
    finally:
        parent.kill()
        parent.wait()
    try:
        wait_until(lambda: not exists(child))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        parent.stderr.close()
