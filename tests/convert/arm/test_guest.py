"""The guest's work, done in this process with a counter that no emulator drives."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from convert.arm import guest
from convert.arm.guest import Answer, Counter, CountJob, count_model, count_variant
from device.errors import InterpreterError
from tests.conftest import ROOT

CRASHING = """
import os, signal, sys
from pathlib import Path
from convert.arm import guest

def count_model(job, counter):
    if job.model == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    print("a library talks")
    return guest.Answer(invoke=5)

guest.WORK, guest.count_model = Path(sys.argv[1]), count_model
guest.main(3, ["json"])
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """The folder that the emulator shares with its guest."""
    monkeypatch.setattr(guest, "WORK", tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "count").write_bytes(np.uint64(0).tobytes())
    return tmp_path


@pytest.fixture
def counted():
    """Counts actions, and does them."""
    actions = []

    def count(action):
        actions.append(action)
        action()
        return len(actions)

    return count


def test_counter_tells_what_was_added_while_an_action_ran(desk):
    counter = Counter()

    def work():
        with (desk / "count").open("r+b") as file:
            file.write(np.uint64(41_000).tobytes())

    assert counter(work) == 41_000
    assert counter(lambda: None) == 0


def test_only_the_second_invoke_of_a_model_is_counted(desk, built, counted):
    shutil.copy(built / "bundle" / "int8.tflite", desk / "models" / "0000.tflite")
    answer = count_model(CountJob(interpreter="litert", model="0000.tflite"), counted)
    assert answer == Answer(invoke=1)


def test_stages_of_a_frame_are_counted_one_by_one(desk, built, counted):
    (desk / "bundle").symlink_to(built / "bundle")
    np.save(desk / "frame.npy", np.full((48, 64, 3), 90, np.uint8))
    answer = count_variant(CountJob(interpreter="litert", variant="int8"), counted)
    assert answer == Answer(preprocess=1, invoke=2, decode=3)


def test_model_that_is_none_is_an_answer_of_one_line(desk, counted):
    (desk / "models" / "0000.tflite").write_bytes(b"no model")
    job = desk / "jobs" / "0000.json"
    job.write_bytes(msgspec.json.encode(CountJob(interpreter="litert", model="0000.tflite")))
    answer = guest._answer(job, counted)
    assert answer.invoke == 0
    assert answer.error
    assert "\n" not in answer.error


def test_error_without_words_has_a_reason_too(desk, counted, monkeypatch):
    def fails(*_):
        raise InterpreterError

    monkeypatch.setattr(guest, "count_model", fails)
    job = desk / "jobs" / "0000.json"
    job.write_bytes(msgspec.json.encode(CountJob(interpreter="litert", model="a")))
    assert guest._answer(job, counted).error == "no reason given"


def test_crash_is_the_answer_of_its_job_alone_and_chatter_is_none(desk):
    for number, model in enumerate(("good", "bad", "good")):
        job = CountJob(interpreter="litert", model=model)
        (desk / "jobs" / f"{number:04}.json").write_bytes(msgspec.json.encode(job))
    done = subprocess.run(
        [sys.executable, "-c", CRASHING, str(desk)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("invoke", 0) for answer in answers] == [5, 0, 5]
    assert answers[1]["error"] == "the interpreter crashed (SIGKILL)"
