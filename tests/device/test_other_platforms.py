"""What runs where this is not Linux. Nobody has run it on macOS: this plays that it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from device.runtimes import usable_cores
from device.system.board import read_board
from tests.conftest import ROOT, run_module

WITHOUT_LINUX = "tests.helpers.without_linux"


def test_detect_runs_without_linux(bundle_dir, tmp_path):
    log = tmp_path / "found.jsonl"
    arguments = ("--source", "demo", "--frames", "3", "--log", str(log))
    done = run_module(WITHOUT_LINUX, "device", "detect", str(bundle_dir), *arguments)
    assert done.returncode == 0, done.stderr
    assert len(log.read_text().splitlines()) == 3


def test_doctor_without_linux_says_what_nobody_tells(bundle_dir):
    done = run_module(WITHOUT_LINUX, "device", "doctor", str(bundle_dir), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {item["check"]: item["verdict"] for item in json.loads(done.stdout)["findings"]}
    for check in ("governor", "temperature", "memory", "processor", "clock"):
        assert found[check] == "unknown", check
    assert found["variants"] == "ok"


def test_bench_runs_without_linux(bundle_dir):
    flags = ("--variants", "int8", "--interpreters", "litert", "--threads", "1", "--rounds", "1")
    short = ("--min-count", "1", "--min-time", "0.01", "--warmups", "0")
    done = run_module(WITHOUT_LINUX, "device", "bench", str(bundle_dir), *flags, *short)
    assert done.returncode == 0, done.stderr
    assert "int8     litert" in done.stdout


def test_model_of_ones_own_is_looked_at_without_linux(bundle_dir):
    done = run_module(WITHOUT_LINUX, "device", "info", str(bundle_dir / "int8.tflite"))
    assert "these are raw SSD heads of 80 classes" in done.stderr


def test_what_plays_macos_hides_linux():
    code = (
        "from tests.helpers.without_linux import hide_linux; hide_linux(); "
        "import ctypes, os, sys, pathlib; "
        "print(sys.platform, hasattr(os, 'sched_getaffinity'), "
        "pathlib.Path('/proc/self').exists(), hasattr(ctypes.CDLL(None), 'mallopt'))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "darwin False False False\n", done.stderr


def test_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert usable_cores() == 3


@pytest.mark.parametrize(("counted", "expected"), [(10, 10), (None, 1)])
def test_cores_are_all_where_no_affinity_is_known(monkeypatch, counted, expected):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert usable_cores() == expected


def test_board_without_proc_is_not_this_machine(tmp_path):
    board = read_board(tmp_path)
    assert (board.cpu.cores, board.os) == (0, "unknown")
