"""The outputs of ``detect``, by its flags: what a user finds afterwards."""

from __future__ import annotations

import csv
import json
import signal
import sys
import time
from pathlib import Path

import pytest

from device.cameras.demo import FPS
from tests.device.conftest import frames_of, names_in
from tests.device.test_cli import finish, spawn


def test_segments_and_table_of_a_video(device, small_bundle, tmp_path):
    log = tmp_path / "seen.csv"
    whole = round(2 * FPS)
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 2 * whole + 5, "--output",
        tmp_path / "out" / "cam.mp4", "--segment", 2, "--quota", 500, "--log", log,
        "--log-size", 1,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    videos = [frames_of(tmp_path / "out" / name) for name in names_in(tmp_path / "out")]
    assert [len(frames) for frames in videos] == [whole, whole, 5]
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    assert {row["label"] for row in rows} >= {"person"}


def test_visit_is_kept_and_told_of(device, small_bundle, tmp_path):
    script = tmp_path / "tell.py"
    script.write_text(f"import sys\nopen({str(tmp_path / 'event')!r}, 'w').write(sys.stdin.read())")
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 60, "--on", "person,zebra",
        "--record", 1, "--clips", tmp_path / "clips", "--run", f"{sys.executable} {script}",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    event = json.loads((tmp_path / "event").read_text())
    assert event["label"] == "person"
    clip = Path(event["clip"])
    assert names_in(tmp_path / "clips")[0] == clip.name
    assert clip.name.startswith("person-20")
    assert len(frames_of(clip)) > 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--on", "cat"], "--on alone does nothing"),
        (["--on", "caat", "--record", "1"], "no class 'caat': did you mean cat"),
        (["--on", "cat", "--record", "1", "--classes", "dog"], "--classes leaves out"),
        (["--record", "1"], "--record needs --on"),
        (["--segment", "10"], "--segment needs --output"),
        (["--on", "cat", "--run", "no-such-command"], "no such command"),
    ],
)
def test_outputs_that_cannot_be_meant_exit_with_2(device, small_bundle, options, said, tmp_path):
    ran = device("detect", small_bundle, "--source", "demo", *options, "--clips", tmp_path / "c")
    assert ran.code == 2
    assert said in ran.error
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("flag", ["--segment", "--quota", "--log-size", "--record", "--cooldown"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "many"])
def test_amount_that_is_none_exits_with_2(device, small_bundle, flag, value):
    ran = device("detect", small_bundle, "--source", "demo", f"{flag}={value}")
    assert ran.code == 2
    assert f"argument {flag}: " in ran.err


def test_settings_in_force_can_be_read_again(device, small_bundle, tmp_path):
    options = [
        "--output", "a.mp4", "--segment", 60, "--quota", 0.5, "--log", "a.csv", "--log-size", 10,
        "--on", "cat,hot dog", "--record", 2.5, "--clips", "here", "--run", "echo 'a b'",
        "--cooldown", 5, "--display",
    ]  # fmt: skip
    first = device("detect", small_bundle, "--source", "demo", *options, "--print-config")
    (tmp_path / "a.toml").write_text(first.out)
    again = device("detect", "--config", tmp_path / "a.toml", "--print-config")
    assert again.out == first.out
    for line in ('on = "cat,hot dog"', "run = \"echo 'a b'\"", "quota = 0.5", "display = true"):
        assert line in first.out.splitlines()


def wait_for_a_segment(folder: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not (folder.exists() and len(names_in(folder)) >= 2):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_segment_under_way(small_bundle, tmp_path, number):
    folder = tmp_path / "out"
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--output", folder / "cam.mp4", "--segment", 2
    )
    wait_for_a_segment(folder)
    child.send_signal(number)
    ran = finish(child)
    assert ran.code == 0, ran.err
    names = names_in(folder)
    assert not [name for name in names if ".partial" in name]
    *whole, last = [len(frames_of(folder / name)) for name in names]
    assert len(set(whole)) == 1
    assert 1 <= last <= whole[0]


def test_killed_run_leaves_segments_that_play(small_bundle, tmp_path):
    folder = tmp_path / "out"
    command = ["--source", "demo", "--output", folder / "cam.mp4", "--segment", 2]
    child = spawn("detect", small_bundle, *command)
    wait_for_a_segment(folder)
    child.kill()
    finish(child)
    before = names_in(folder)
    assert all(frames_of(folder / name) for name in before if ".partial" not in name)
    # The next run goes on beside them, and its quota counts them.
    ran = finish(spawn("detect", small_bundle, *command, "--frames", 5, "--quota", 0.000_001))
    assert ran.code == 0, ran.err
    assert not set(before) & set(names_in(folder))
