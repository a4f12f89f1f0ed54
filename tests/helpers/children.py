"""Child processes of tests: what signals they begin with, and what is waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, TypeVar

import pytest

from device.system.signals import ENDING, children_begin_with_defaults

Value = TypeVar("Value")

# What stays for good where it was once needed, and is no leak.
STAYING = ("multiprocessing.resource_tracker", "tqdm_monitor", "TMonitor")
PATIENCE_S = 100.0  # for what happens at once on a machine that has time for it


def start(
    command: Sequence[object], *, ignoring: Collection[int] = (), **options: Any
) -> subprocess.Popen[str]:
    """Start a process that ignores the signals ``ignoring`` and no other that ends a run.

    Whatever the tests inherited themselves, from ``nohup``, ``&`` or a CI runner.
    """
    with children_begin_with_defaults(), _ignored(ignoring):
        return subprocess.Popen([str(part) for part in command], text=True, **options)


@contextlib.contextmanager
def _ignored(numbers: Collection[int]) -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def signals_kept() -> Iterator[None]:
    """Put the handlers back that a command run in this process replaces."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def wait_until(
    condition: Callable[[], Value], what: str = "it did not happen", within_s: float = PATIENCE_S
) -> Value:
    """Wait for what happens in another thread or process; returns what ``condition`` does then.

    How long that takes proves nothing, so ``within_s`` is only there to end a test that fails.
    """
    end_s = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < end_s, what
        time.sleep(0.01)
    return value


def is_running(pid: int) -> bool:
    """Whether a process is still at work; one that was killed is reaped by whoever adopts it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def time_out_once_told(monkeypatch: pytest.MonkeyPatch, told: Path) -> None:
    """Let ``Popen.communicate`` time out with the child that wrote its id to ``told``, no other."""
    communicate = subprocess.Popen.communicate

    def communicate_until(process: Any, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002
        if timeout is None:
            return communicate(process, input)
        while True:
            try:
                return communicate(process, input, 0.05)
            except subprocess.TimeoutExpired:
                input = None  # noqa: A001
                if told.exists() and told.read_text().split()[:1] == [str(process.pid)]:
                    raise

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate_until)


def children_of(pid: int) -> list[int]:
    """The processes that another started, ended but not reaped ones too."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            found += map(int, task.read_text().split())
    return found


def left_running(before: AbstractSet[str] = frozenset()) -> set[str]:
    """The threads and children of this process, but for those ``before``."""
    found = {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}
    found |= {f"process {pid}: {_command_of(pid)}" for pid in children_of(os.getpid())}
    return {one for one in found - before if not any(name in one for name in STAYING)}


def _command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return command.strip()[:200] or "ended, not reaped"
    return "ended"
