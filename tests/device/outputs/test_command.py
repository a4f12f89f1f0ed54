from __future__ import annotations

import json
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.images import read_image
from device.outputs import command as module
from device.outputs.clips import ClipSink
from device.outputs.command import CommandSink
from device.outputs.pace import Pace
from device.records import Detection, Outcome, SceneEvent, SceneState, Visit
from tests.conftest import ROOT
from tests.device.conftest import make_outcome, names_in
from tests.helpers.children import PATIENCE_S, is_running, time_out_once_told, wait_until

CAT = Detection(17, "cat", 0.93456789, 10.04, 12.0, 40.25, 44.149)
DOG = Detection(18, "dog", 0.8, 0, 0, 10, 10)
CUP = Detection(47, "cup", 0.7, 0, 0, 10, 10)


def at(seconds: float, *detections: Detection, index: int = 0) -> Outcome:
    outcome = make_outcome(index, name="a.jpg", detections=detections)
    return replace(outcome, finished_at_s=seconds)


def kept(outcome: Outcome) -> Outcome:
    return replace(outcome, result=replace(outcome.result, kept=True))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Commands are given their time, however busy the machine is."""
    monkeypatch.setattr(module, "GRACE_S", PATIENCE_S)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Make a command of Python code; ``event`` is what it was given, ``out`` where it may write."""

    def make(code: str) -> str:
        path = tmp_path / "script.py"
        path.write_text(
            "import json, os, shutil, sys, time\n"
            "from pathlib import Path\n"
            f"out = Path({str(tmp_path)!r})\n"
            f"event = json.load(sys.stdin)\n{code}\n"
        )
        return shlex.join([sys.executable, str(path)])

    return make


def wait_for(path: Path) -> str:
    """The text of a file that a command is to write."""
    return wait_until(lambda: path.exists() and path.read_text())


def test_command_gets_the_event_as_documented(tmp_path, script):
    command = script(
        "shutil.copy(event['picture'], out / 'copy.jpg')\n"
        "(out / 'event.json').write_text(json.dumps(event))"
    )
    with CommandSink(command, ["cat"], 30.0) as sink:
        sink.write(at(0.0, CUP, CAT, index=7))
    event = json.loads((tmp_path / "event.json").read_text())
    assert event.pop("time").endswith("Z")
    image = Path(event.pop("picture"))
    assert image.name == "picture.jpg"
    assert not image.parent.exists(), "it is removed when the command has ended"
    cat = {"label": "cat", "class_id": 17, "score": 0.9346, "box": [10.0, 12.0, 40.2, 44.1]}
    cup = {"label": "cup", "class_id": 47, "score": 0.7, "box": [0.0, 0.0, 10.0, 10.0]}
    assert event == {
        "event": "seen",
        **cat,
        "frame": 7,
        "source": "a.jpg",
        "detections": [cup, cat],
        "clip": None,
    }
    copy = read_image(tmp_path / "copy.jpg")
    assert copy.shape == (48, 64, 3)
    assert copy[30, 25].tolist() == pytest.approx([128] * 3, abs=10)
    assert np.abs(copy[30, 8:12].astype(int) - 128).max() > 30, "the box is drawn"


def test_event_of_a_named_run_has_its_name(tmp_path, script):
    command = script("(out / 'event.json').write_text(json.dumps(event))")
    with CommandSink(command, ["cat"], 30.0, run_name="Garden") as sink:
        sink.write(at(0.0, CAT))
    assert json.loads((tmp_path / "event.json").read_text())["name"] == "Garden"


def test_command_in_the_docs_works(tmp_path, monkeypatch, capfd):
    page = (ROOT / "docs" / "formats.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("tell.py").write_text(code)
    with CommandSink(f"{sys.executable} tell.py", ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    assert re.fullmatch(r"cat \(93%\) at 20.*Z\n", capfd.readouterr().err)
    (image,) = tmp_path.glob("*.jpg")
    assert read_image(image).shape == (48, 64, 3)


def test_frame_is_not_drawn_on(script):
    outcome = at(0.0, CAT)
    with CommandSink(script(""), ["cat"], 30.0) as sink:
        sink.write(outcome)
    assert (outcome.frame.pixels == 128).all()


def test_command_is_told_of_the_clip_that_shows_it(tmp_path, monkeypatch, script):
    monkeypatch.chdir(tmp_path)
    with (
        ClipSink(Path("clips"), ["cat"], 10.0, Pace(10.0)) as clips,
        CommandSink(
            script("(out / 'clip').write_text(event['clip'])"), ["cat"], 30.0, clips.path
        ) as sink,
    ):
        for each in (clips, sink):
            each.write(at(0.0, CAT))
        clip = Path(wait_for(tmp_path / "clip"))
        assert clip.is_absolute()
        assert clip.with_suffix(".partial.mp4").exists()
    assert clip.exists()


def count_calls(script) -> str:
    return script("open(out / 'calls', 'a').write(f\"{event['frame']} \")")


def test_command_is_called_again_after_the_cooldown_alone(tmp_path, script):
    with CommandSink(count_calls(script), ["cat", "dog"], 30.0) as sink:
        for index, (seconds, item) in enumerate(
            [(5.0, CUP), (6.0, CAT), (6.1, CAT), (35.9, DOG), (36.0, DOG), (65.0, CAT)]
        ):
            sink.write(at(seconds, item, index=index))
            if sink._thread is not None:
                sink._thread.join()
    assert (tmp_path / "calls").read_text() == "1 4 "


def test_command_is_called_once_at_a_time(tmp_path, script):
    command = script(
        "open(out / 'calls', 'a').write(f\"{event['frame']} \")\n"
        "while not (out / 'go').exists(): time.sleep(0.01)"
    )
    with CommandSink(command, ["cat"], 0.001) as sink:
        sink.write(at(0.0, CAT, index=0))
        wait_for(tmp_path / "calls")
        for index in range(1, 50):
            sink.write(at(float(index), CAT, index=index))  # returns at once
        (tmp_path / "go").touch()
        sink._thread.join()
        sink.write(at(100.0, CAT, index=100))
    assert (tmp_path / "calls").read_text() == "0 100 "


def test_what_the_command_prints_goes_to_stderr(script, capfd):
    with CommandSink(script("print('hello')"), ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    assert capfd.readouterr() == ("", "hello\n")


def test_words_of_the_command_meet_no_shell(tmp_path, script, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = script("(out / 'words').write_text(json.dumps(sys.argv[1:]))")
    with CommandSink(command + " 'two words' ; touch evil $HOME *", ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    words = json.loads((tmp_path / "words").read_text())
    assert words == ["two words", ";", "touch", "evil", "$HOME", "*"]
    assert not (tmp_path / "evil").exists()


def calls_and_what_is_said(command: str, capfd, times: int = 2) -> str:
    with CommandSink(command, ["cat"], 1.0) as sink:
        for index in range(times):
            sink.write(at(10.0 * index, CAT))
            sink._thread.join()
    return capfd.readouterr().err


def test_failure_is_told_once(script, capfd):
    command = script("sys.exit(3)")
    assert calls_and_what_is_said(command, capfd) == (
        f"--run {command}: failed with exit status 3; later failures are not told\n"
    )


def test_command_that_is_gone_is_told_of_once(capfd):
    said = calls_and_what_is_said("/no/such/command --now", capfd)
    assert said.count("\n") == 1
    assert "cannot be started (No such file or directory)" in said


def test_command_that_reads_nothing_is_fine(tmp_path, capfd):
    path = tmp_path / "silent"
    path.write_text("#!/bin/sh\nexec <&-\nexit 0\n")
    path.chmod(0o755)
    assert calls_and_what_is_said(str(path), capfd) == ""


HANGS = (
    "import subprocess\n"
    "child = subprocess.Popen(['sleep', '1000'])\n"
    "(out / 'partial').write_text(f'{os.getpid()} {child.pid}')\n"
    "(out / 'partial').rename(out / 'pids')\n"
    "time.sleep(1000)"
)


def test_command_that_hangs_is_killed_with_its_children(tmp_path, script, capfd, monkeypatch):
    time_out_once_told(monkeypatch, tmp_path / "pids")
    said = calls_and_what_is_said(script(HANGS), capfd, times=1)
    assert "killed, it was still at work after 60 s" in said
    assert said.count("\n") == 1
    pids = [int(pid) for pid in wait_for(tmp_path / "pids").split()]
    wait_until(lambda: not any(map(is_running, pids)))
    assert not Path(f"/proc/{pids[0]}").exists(), "it was not reaped"


def test_command_at_work_when_the_run_ends_is_given_a_moment(tmp_path, script, capfd, monkeypatch):
    command = script(
        "while not (out / 'go').exists(): time.sleep(0.01)\n(out / 'done').write_text('yes')"
    )
    with CommandSink(command, ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
        join = sink._thread.join

        def join_when_the_run_ends(timeout_s):
            (tmp_path / "go").touch()
            join(timeout_s)

        monkeypatch.setattr(sink._thread, "join", join_when_the_run_ends)
    assert (tmp_path / "done").exists()
    assert capfd.readouterr().err == ""


def test_command_that_outlasts_the_run_is_killed(tmp_path, script, capfd, monkeypatch):
    monkeypatch.setattr(module, "GRACE_S", 0.2)
    sink = CommandSink(script(HANGS), ["cat"], 30.0)
    sink.write(at(0.0, CAT))
    pids = [int(pid) for pid in wait_for(tmp_path / "pids").split()]
    sink.close()
    said = capfd.readouterr().err
    assert "killed, the run has ended" in said
    assert said.count("\n") == 1
    wait_until(lambda: not is_running(pids[0]))
    sink.close()


def test_ctrl_c_in_the_terminal_does_not_reach_the_command(tmp_path, script):
    command = script("(out / 'group').write_text(str(os.getpgid(0)))")
    with CommandSink(command, ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    assert int((tmp_path / "group").read_text()) != os.getpgid(0)


def test_alarm_comes_without_a_picture_where_none_can_be_written(tmp_path, script, monkeypatch):
    command = script("(out / 'picture').write_text(repr(event['picture']))")
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path / "missing"))
    with CommandSink(command, ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    assert (tmp_path / "picture").read_text() == "None"


def test_nothing_is_left_behind(tmp_path, script, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path / "temporary"))
    before = threading.active_count()
    with CommandSink(script("os.remove(event['picture'])"), ["cat"], 30.0) as sink:
        sink.write(at(0.0, CAT))
    assert names_in(tmp_path / "temporary") == []
    assert threading.active_count() == before
    assert sink._process.returncode == 0, "it was not reaped"


def visited(seconds: float, *visits: int, kept: bool = False, events=()) -> Outcome:
    """A frame on which cats of ``visits`` are; 0 is one that is no visit."""
    cats = tuple(
        replace(CAT, visit_id=number or None, track_id=number or None) for number in visits
    )
    outcome = at(seconds, *cats)
    records = tuple(
        Visit(visit_id=n, class_id=17, label="cat", began_s=0, seen_s=2, score=0.9, box=CAT.box)
        for n in visits
        if n
    )
    scene = SceneState(time_s=0.0, visits=records, events=tuple(events), rules=())
    return replace(outcome, result=replace(outcome.result, scene=scene, kept=kept))


def calls_of(monkeypatch, labels, outcomes, cooldown_s=30.0):
    """What a sink starts its command with, each ended before the next frame."""
    events = []
    monkeypatch.setattr(CommandSink, "_call", lambda self, event, image: events.append(event))
    with CommandSink("true", labels, cooldown_s) as sink:
        for outcome in outcomes:
            sink.write(outcome)
            if sink._thread is not None:
                sink._thread.join()
    return events


def test_command_is_called_once_for_each_visit(monkeypatch):
    outcomes = [visited(40.0 * n, 0) for n in range(3)]  # a false cat, never a visit
    outcomes += [visited(200 + 40.0 * n, 1) for n in range(5)]
    outcomes += [visited(600 + 40.0 * n, 1, 2) for n in range(5)]
    events = calls_of(monkeypatch, ["cat"], outcomes)
    assert [event["visit_id"] for event in events] == [1, 2]
    assert events[0]["visits"][0]["duration_s"] == 2


def test_those_on_the_picture_are_told_of_together(monkeypatch):
    outcomes = [visited(40.0 * n, 1, 2, 3) for n in range(5)]
    (event,) = calls_of(monkeypatch, ["cat"], outcomes)
    assert [item["visit_id"] for item in event["detections"]] == [1, 2, 3]


def test_visit_that_begins_too_soon_after_a_call_is_told_of_when_its_time_has_come(monkeypatch):
    outcomes = [visited(0.0, 1), *[visited(10.0 * n, 1, 2) for n in range(1, 6)]]
    events = calls_of(monkeypatch, ["cat"], outcomes)
    assert [event["visit_id"] for event in events] == [1, 2]


def test_predicted_box_calls_nothing(monkeypatch):
    assert calls_of(monkeypatch, ["cat"], [visited(0.0, 1, kept=True)]) == []


def test_rule_calls_when_it_begins_and_ends_whatever_was_seen(monkeypatch):
    began, ended = (SceneEvent(f"rule-{kind}", place="crowd") for kind in ("began", "ended"))
    outcomes = [visited(0.0, 1), visited(1.0, 1, events=[began, ended]), visited(2.0, 1)]
    events = calls_of(monkeypatch, ["cat"], outcomes)
    assert [(event["event"], event.get("rule")) for event in events] == [
        ("seen", None),
        ("rule-began", "crowd"),
        ("rule-ended", "crowd"),
    ]


def test_rules_that_wait_for_a_command_are_bounded(monkeypatch):
    many = [SceneEvent("rule-began", place=str(n)) for n in range(100)]
    events = calls_of(monkeypatch, ["cat"], [visited(0.0, events=many)] + [visited(1.0)] * 100)
    assert len(events) == module.MOST_RULES_DUE
