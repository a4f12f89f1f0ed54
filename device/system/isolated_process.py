"""Isolated processes: work in a child, so that a crash of an interpreter is only an answer.

The parent calls :func:`ask` or :func:`converse`; the child is ``python -m MODULE``, whose main
program is :func:`serve`. The request goes to its standard input, answers come back as lines of
JSON from its standard output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from device.errors import InterpreterError, LiteberryError
from device.json_text import decode_json
from device.paths import ROOT
from device.schema import Record
from device.system.signals import ending_postponed

TIMEOUT_S = 600.0
PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h

Request = TypeVar("Request", bound=Record)
Answer = TypeVar("Answer", bound=Record)


class _Failure(Record, frozen=True, tag="failure"):
    error: str


def converse(
    module: str, request: Record, answer: type[Answer], what: str, timeout_s: float = TIMEOUT_S
) -> Iterator[Answer]:
    """Start ``module`` with ``request`` and yield its answers as they come.

    ``answer`` is a type with a tag. Raises :class:`InterpreterError`, beginning with ``what``,
    where the child says that it failed, crashes, says something else, or has not ended after
    ``timeout_s``; ``KeyboardInterrupt`` where Ctrl-C ended it. It never outlives the iterator.
    """
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        child.kill()

    with tempfile.TemporaryFile() as errors, contextlib.ExitStack() as stack:
        with ending_postponed():  # inside Popen, an interrupt would leave a child nobody knows
            child = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=ROOT,
                )
            )
            stack.callback(child.kill)
            timer = threading.Timer(timeout_s, give_up)
            stack.callback(timer.cancel)  # before it starts: an interrupt may come at once
            timer.start()
        assert child.stdin is not None
        assert child.stdout is not None
        garbled: msgspec.DecodeError | None = None
        try:
            with contextlib.suppress(BrokenPipeError):  # it died; its exit code says how
                child.stdin.write(msgspec.json.encode(request))
                child.stdin.close()
            for line in child.stdout:
                reply = decode_json(line, answer | _Failure)
                if isinstance(reply, _Failure):
                    raise InterpreterError(reply.error)
                yield reply
            child.wait()
        except msgspec.DecodeError as exc:
            garbled = exc
        finally:
            timer.cancel()
            child.kill()
            child.wait()
        if expired.is_set():
            raise InterpreterError(f"{what}: no answer in {timeout_s:.0f} s")
        if child.returncode == -signal.SIGINT:
            raise KeyboardInterrupt  # of a terminal, which reached the child first
        if garbled is None and child.returncode < 0:
            name = signal.Signals(-child.returncode).name
            raise InterpreterError(f"{what}: the interpreter crashed ({name})")
        if garbled is not None or child.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines() or ["no output"]
            raise InterpreterError(f"{what}: the process failed ({said[-1]})") from garbled


def ask(
    module: str, request: Record, answer: type[Answer], what: str, timeout_s: float = TIMEOUT_S
) -> Answer:
    """The one answer of ``module`` to ``request``. Raises as :func:`converse`."""
    answers = list(converse(module, request, answer, what, timeout_s))
    if len(answers) != 1:
        raise InterpreterError(f"{what}: the process gave {len(answers)} answers")
    return answers[0]


def serve(kind: type[Request], work: Callable[[Request, Callable[[Record], None]], object]) -> None:
    """Be the child: read a request of ``kind``; ``work`` is given it, and what sends an answer."""

    def reply(answer: Record) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()

    _die_with_parent()
    try:
        work(decode_json(sys.stdin.buffer.read(), kind), reply)
    except (LiteberryError, RuntimeError, ValueError) as exc:
        reply(_Failure(error=str(exc)))


def _die_with_parent() -> None:
    """Have the kernel end this process with its parent, which may itself be ended by force.

    A library that spins keeps a thread of Python's that could look after the parent from running.
    """
    if sys.platform == "linux":
        import ctypes  # here: only the child has a use for it

        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was quicker
            os._exit(1)
