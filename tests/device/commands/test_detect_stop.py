"""Runs that are asked to end while something hangs: none lives on."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.system.partial_file import partial_of
from tests.conftest import ROOT
from tests.helpers.children import is_running, start, wait_until
from tests.helpers.device_command import finish, spawn
from tests.helpers.network_cameras import MjpegServer, RtspServer

HANGING_INTERPRETER = """
import ctypes, runpy, sys
from device.inference.engine import Engine
def invoke(self, prepared=None):
    print("hangs", file=sys.stderr, flush=True)
    while True:
        ctypes.CDLL(None).sleep(1000)
Engine.invoke = invoke
runpy.run_module("device", run_name="__main__", alter_sys=True)
"""


def until_said(child: subprocess.Popen[str], text: str) -> None:
    while text not in (line := child.stderr.readline()):
        assert line, f"it never said {text!r}"


@pytest.mark.parametrize("fault", ["floods", "drips", "silent"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_camera_that_sends_no_picture_does_not_hold_up_the_end(
    small_bundle, tmp_path, fault, number
):
    log = tmp_path / "log"
    with MjpegServer() as server:
        child = spawn("detect", small_bundle, "--source", server.url, "--frozen", 0, "--log", log)
        wait_until(lambda: log.exists() and log.stat().st_size)
        server.silent.set() if fault == "silent" else setattr(server, fault, True)
        size = 0
        while size != (size := log.stat().st_size):  # until no more frames come
            until_settled(server)
        child.send_signal(number)
        ran = finish(child)
    assert ran.code == 0, ran.err
    assert "error" not in ran.err


def until_settled(server: MjpegServer) -> None:
    """Until what the server had sent when it began to misbehave has long been read."""
    turns = server.turns
    wait_until(lambda: server.silent.is_set() or server.turns > turns + 50)


@pytest.mark.parametrize("kind", [MjpegServer, RtspServer])
def test_camera_that_never_answers_does_not_hold_up_the_end(small_bundle, kind):
    with kind() as server:
        server.never_answers = True
        child = spawn("detect", small_bundle, "--source", server.url)
        until_said(child, "connecting")
        child.terminate()
        ran = finish(child)
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err


def test_stream_that_went_silent_is_left_behind(small_bundle, tmp_path):
    log = tmp_path / "log"
    with RtspServer() as server:
        child = spawn("detect", small_bundle, "--source", server.url, "--log", log)
        wait_until(lambda: log.exists() and log.stat().st_size > 0)
        server.silent.set()
        sent = server.sent
        wait_until(lambda: server.sent == sent)
        child.terminate()
        ran = finish(child)
    assert ran.code == 0, ran.err
    assert "seen: " in ran.out


def test_interpreter_that_hangs_is_left_behind(small_bundle, tmp_path):
    child = start(
        [sys.executable, "-c", HANGING_INTERPRETER, "detect", small_bundle, "--source", "demo",
         "--output", tmp_path / "out.mp4"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until_said(child, "hangs")
    child.terminate()
    ran = finish(child)
    assert ran.code == 0, ran.err
    assert "the network did not stop in time, and is left behind" in ran.err


def test_command_that_hangs_is_killed_with_the_run(small_bundle, tmp_path):
    pid_file = tmp_path / "pid"
    script = f"trap '' TERM INT HUP; echo $$ > {shlex.quote(str(pid_file))}; sleep 1000; sleep 1000"
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--on", "person,cat,cup,motorcycle",
        "--run", f"sh -c {shlex.quote(script)}",
    )  # fmt: skip
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip())
    child.terminate()
    ran = finish(child)
    assert ran.code == 0, ran.err
    assert "killed, the run has ended" in ran.err
    wait_until(lambda: not is_running(int(pid_file.read_text())))


@pytest.fixture
def full_pipe(tmp_path) -> Iterator[Path]:
    """A pipe that somebody holds open and nobody reads, with no room for a byte."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    number = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(number, b"x")
    yield path
    os.close(number)


def test_log_that_hangs_is_ended_by_force(small_bundle, tmp_path, full_pipe):
    output = tmp_path / "out.mp4"
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--output", output, "--log", full_pipe
    )
    partial = partial_of(output)
    wait_until(lambda: partial.exists() and partial.stat().st_size)  # then comes the log
    child.terminate()
    ran = finish(child)
    assert ran.code == 1
    assert "did not end within 4.5 s: it hangs in outputs/logs.py, _append" in ran.error
