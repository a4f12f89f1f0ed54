from __future__ import annotations

import os
import subprocess
import sys

import pytest

from device.bench import session
from device.bench.record import BenchmarkSettings
from device.bundle.bundle import Bundle
from device.errors import InterpreterError
from tests.conftest import ROOT
from tests.device.bench.conftest import make_sustained


@pytest.mark.parametrize("stretches", [0, 2])
def test_sustained_run_that_crashes_leaves_what_there_was(small_bundle, monkeypatch, stretches):
    def crash(*_):
        yield from make_sustained().stretches[:stretches]
        raise InterpreterError("int8 in litert: the interpreter crashed (SIGBUS)")

    monkeypatch.setattr(session, "sustain", crash)
    settings = BenchmarkSettings(rounds=1, warmups=1, min_count=1, min_time_s=0.01)
    plan = session.Plan(["int8"], ["litert"], [1], settings, sustained_min=1)
    said: list[str] = []
    found = session.run(Bundle(small_bundle), plan, said.append, lambda *_: None)
    assert found.results[0].invoke is not None
    assert "the interpreter crashed (SIGBUS)" in said[-1]
    if stretches == 0:
        assert found.sustained is None
    else:
        assert found.sustained.stretches == make_sustained().stretches[:stretches]


def test_priority_is_told():
    code = "from device.bench.session import _priority; print(_priority())"
    told = [
        subprocess.run(
            [*wrapper, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        ).stdout.strip()
        for wrapper in ([], ["nice", "-n", "3"])
    ]
    here = os.getpriority(os.PRIO_PROCESS, 0)
    assert told == [f"nice {here}" if here else "normal", f"nice {min(19, here + 3)}"]
