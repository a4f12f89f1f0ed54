from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.cameras.demo import FPS
from device.images import read_image
from tests.conftest import run_module
from tests.device.conftest import cut, encode, frames_of, names_in, write_video
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.device_command import finish, lines_of, spawn


def test_demo_into_video_and_log(device, small_bundle, tmp_path):
    output, log = tmp_path / "out" / "demo.mp4", tmp_path / "log" / "demo.jsonl"
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 8, "--output", output, "--log", log
    )
    assert ran.code == 0, ran.err
    assert [line["frame"] for line in lines_of(log)] == list(range(8))
    assert len(frames_of(output)) == 8
    assert ran.out.startswith("8 frames, ")
    assert "int8 in litert" in ran.err
    assert "Ctrl-C" in ran.err


def test_folder_into_folder(device, small_bundle, tmp_path):
    log = tmp_path / "log.jsonl"
    ran = device(
        "detect", small_bundle, "--source", small_bundle / "samples", "--output", tmp_path / "out",
        "--log", log,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert names_in(tmp_path / "out") == [
        "000000_cat.jpg",
        "000001_cup.jpg",
        "000002_motorcycle.jpg",
        "000003_person.jpg",
    ]
    for line in lines_of(log):
        assert Path(line["source"]).stem in [item["label"] for item in line["detections"]]
        image = read_image(small_bundle / "samples" / line["source"])
        height, width = image.shape[:2]
        for item in line["detections"]:
            x_min, y_min, x_max, y_max = item["box"]
            assert 0 <= x_min < x_max <= width
            assert 0 <= y_min < y_max <= height
            assert 0.5 <= item["score"] <= 1
        assert line["frame_age_ms"] >= sum(
            line["timings_ms"][stage] for stage in ("preprocess", "invoke", "decode")
        ) - 0.01  # fmt: skip


def test_same_demo_gives_the_same_detections(device, small_bundle, tmp_path):
    found = []
    for name in ("a", "b"):
        log = tmp_path / name
        device("detect", small_bundle, "--source", "demo", "--frames", 5, "--log", log)
        found.append([line["detections"] for line in lines_of(log)])
    assert found[0] == found[1]


def test_options_reach_the_engine(device, small_bundle, tmp_path):
    log = tmp_path / "log"
    ran = device(
        "detect", small_bundle, "--source", small_bundle / "samples" / "cup.jpg", "--log", log,
        "--threshold", 0.9, "--threads", 1, "--variant", "int8", "--interpreter", "litert",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [item["label"] for item in lines_of(log)[0]["detections"]] == ["cup"]
    assert "(asked for), XNNPACK, 1 thread;" in ran.err


def found_in(log: Path) -> list[list[str]]:
    return [[item["label"] for item in line["detections"]] for line in lines_of(log)]


def test_only_the_classes_asked_for_are_found(device, small_bundle, tmp_path):
    log = tmp_path / "log"
    ran = device(
        "detect", small_bundle, "--source", small_bundle / "samples", "--log", log,
        "--classes", "cat, cup",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    labels = {label for frame in found_in(log) for label in frame}
    assert labels == {"cat", "cup"}


def test_most_detections_a_frame_are_the_best_ones(device, small_bundle, tmp_path):
    logs = tmp_path / "all", tmp_path / "one"
    image = small_bundle / "samples" / "cup.jpg"
    for log, most in zip(logs, (100, 1), strict=True):
        options = ("--threshold", 0.1, "--max-detections", most, "--log", log)
        assert device("detect", small_bundle, "--source", image, *options).code == 0
    every, best = (found_in(log)[0] for log in logs)
    assert len(every) > 1
    assert best == every[:1]


def test_settings_of_a_file_hold_where_no_flag_is_given(device, small_bundle, tmp_path):
    log, file = tmp_path / "log", tmp_path / "pi.toml"
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 6, "--every", 3, "--log", log,
        "--print-config",
    )  # fmt: skip
    assert ran.code == 0
    file.write_text(ran.out)
    ran = device("detect", "--config", file, "--frames", 4)
    assert ran.code == 0, ran.err
    assert len(lines_of(log)) == 4
    assert "2 frames kept the detections" in ran.out


def test_log_into_a_pipe(small_bundle):
    child = spawn("detect", small_bundle, "--source", "demo", "--frames", 3, "--log", "/dev/stdout")
    ran = finish(child)
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    assert [line["frame"] for line in lines] == [0, 1, 2]


def test_size_and_way_up_of_the_demo_are_those_of_the_pictures(device, small_bundle, tmp_path):
    flags = ("--size", "320x180", "--rotate", "90", "--frames", "2")
    assert (
        device("detect", small_bundle, "--source", "demo", *flags, "--output", tmp_path).code == 0
    )
    assert [read_image(path).shape for path in tmp_path.iterdir()] == [(320, 180, 3)] * 2


SOURCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.jpg": (lambda path: None, "no such file or folder"),
    "empty.jpg": (lambda path: path.touch(), "empty file"),
    "half.jpg": (
        lambda path: cut_to(path, encode(np.zeros((64, 64, 3), np.uint8), ".jpg")),
        "truncated picture",
    ),
    "half.png": (
        lambda path: cut_to(path, encode(np.zeros((64, 64, 3), np.uint8), ".png")),
        "truncated picture",
    ),
    "text.jpg": (lambda path: path.write_text("hello"), "not a picture"),
    "dot.png": (
        lambda path: path.write_bytes(encode(np.zeros((1, 1, 3), np.uint8), ".png")),
        "1x1 pixels, at least 16x16 are needed",
    ),
    "text.mp4": (lambda path: path.write_text("hello " * 99), "neither a picture nor a video"),
    "folder": (lambda path: path.mkdir(), "no pictures in this folder"),
}


def cut_to(path: Path, data: bytes) -> None:
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("name", SOURCES)
def test_bad_source_is_one_line(device, small_bundle, tmp_path, name):
    make, said = SOURCES[name]
    make(tmp_path / name)
    output = tmp_path / "out.mp4"
    ran = device("detect", small_bundle, "--source", tmp_path / name, "--output", output)
    assert ran.code == 1
    assert said in ran.error
    assert str(tmp_path / name) in ran.error
    assert ran.out == ""
    assert not output.exists()


def test_bad_picture_among_good_ones_is_reported_and_skipped(device, small_bundle, tmp_path):
    folder = Path(shutil.copytree(small_bundle / "samples", tmp_path / "pictures"))
    cut(folder / "cup.jpg", 0.5)
    log = tmp_path / "log"
    ran = device("detect", small_bundle, "--source", folder, "--log", log)
    assert ran.code == 0
    skipped = [line for line in ran.err.splitlines() if line.startswith("skipped: ")]
    assert len(skipped) == 1
    assert "cup.jpg: truncated picture" in skipped[0]
    sources = [line["source"] for line in lines_of(log)]
    assert sources == ["cat.jpg", "motorcycle.jpg", "person.jpg"]


def test_video_that_ends_in_the_middle_fails_after_what_there_was(device, small_bundle, tmp_path):
    source = cut(write_video(tmp_path / "cut.avi", 30, (320, 240)), 0.5)
    output, log = tmp_path / "out.mp4", tmp_path / "log"
    ran = device("detect", small_bundle, "--source", source, "--output", output, "--log", log)
    assert ran.code == 1
    frames = len(lines_of(log))
    assert 5 < frames < 25
    assert f"ends after {frames} of 30 frames" in ran.error
    assert ran.out.startswith(f"{frames} frames, ")
    assert len(frames_of(output)) == frames


def test_missing_bundle_says_how_to_make_one(device, tmp_path):
    ran = device("detect", tmp_path / "nowhere", "--source", "demo")
    assert ran.code == 1
    assert "convert build" in ran.error


@pytest.mark.parametrize("damage", ["half", "header", "noise", "weights"])
def test_corrupted_model_that_the_manifest_vouches_for(bundle_copy, damage):
    """It may run, with wrong answers; it may be refused; no traceback, and no crash of ours."""
    whole = (bundle_copy.folder / "int8.tflite").read_bytes()
    random = np.random.default_rng(5)
    noise = bytearray(whole)
    for position in random.integers(len(whole) - 200_000, len(whole), 20):
        noise[position] = random.integers(256)
    half = len(whole) // 2
    data = {
        "half": whole[:half],
        "header": whole[:4] + b"XXXX" + whole[8:],
        "noise": bytes(noise),
        "weights": whole[:half] + random.bytes(2000) + whole[half + 2000 :],
    }[damage]
    bundle_copy.replace("int8.tflite", data)
    ran = finish(spawn("detect", bundle_copy.folder, "--source", bundle_copy.folder / "samples"))
    assert "Traceback" not in ran.err
    if damage in ("half", "header"):
        assert ran.code == 1
        assert "litert" in ran.error
        assert "refuses" in ran.error
    else:
        assert ran.code <= 1, "wrong usage?"  # below 0 is a crash of the child


@pytest.mark.parametrize(
    ("number", "ignoring"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        (signal.SIGHUP, ()),  # the connection over which it was started is gone
        (signal.SIGTERM, (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)),
    ],
)
def test_signal_ends_the_run_cleanly(small_bundle, tmp_path, number, ignoring):
    output, log = tmp_path / "x.mp4", tmp_path / "y.jsonl"
    command = ("detect", small_bundle, "--source", "demo", "--output", output, "--log", log)
    child = spawn(*command, ignoring=ignoring)
    wait_until(lambda: child.poll() is not None or (log.exists() and log.stat().st_size > 5000))
    for ignored in ignoring[:2]:
        child.send_signal(ignored)
    child.send_signal(number)
    ran = finish(child)
    assert f"{'SIGTERM' if ignoring else 'Ctrl-C'} ends the run" in ran.err
    assert ran.code == 0, ran.err
    assert "error" not in ran.err
    lines = lines_of(log)
    assert len(lines) >= 5
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    assert len(frames_of(output)) == len(lines)
    assert ran.out.startswith(f"{len(lines)} frames, ")
    assert names_in(tmp_path) == ["x.mp4", "y.jsonl"]


@pytest.mark.parametrize(
    ("option", "name"), [("--output", "folder.mp4"), ("--output", "file"), ("--log", "folder.mp4")]
)
def test_output_that_cannot_be_is_one_line(device, small_bundle, tmp_path, option, name):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    ran = device("detect", small_bundle, "--source", "demo", option, tmp_path / name)
    assert ran.code == 1
    assert f"{name}: " in ran.error
    assert "choose another" in ran.error


# What newer Pythons come with, NumPy 2.5 and OpenCV 4.14, takes 25 MB more for the same run.
MOST_MB = 100 if np.__version__.startswith("1.") else 140


def peak_mb(small_bundle: Path, source: str, log: Path) -> float:
    ran = finish(spawn("detect", small_bundle, "--source", source, "--frames", 300, "--log", log))
    assert ran.code == 0, ran.err
    assert len(lines_of(log)) == 300
    return float(ran.out.split("peak memory ")[1].split(" MB")[0])


def test_headless_run_of_the_demo_takes_little_memory(small_bundle, tmp_path):
    assert peak_mb(small_bundle, "demo", tmp_path / "log") <= MOST_MB


def test_headless_run_of_a_video_takes_little_memory(small_bundle, shared_data, tmp_path):
    source = shared_data / "videos" / "vtest.avi"
    assert peak_mb(small_bundle, str(source), tmp_path / "log") <= MOST_MB


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


def test_visit_is_kept_and_told_of(device, small_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("device.outputs.command.GRACE_S", PATIENCE_S)
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


def wait_for_a_segment(folder: Path) -> None:
    wait_until(lambda: folder.exists() and len(names_in(folder)) >= 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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


def test_command_of_a_run_in_the_background_begins_with_default_signals(small_bundle, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import pathlib, signal\n"
        "found = [n for n in (1, 2, 15) if signal.getsignal(n) is signal.SIG_IGN]\n"
        f"pathlib.Path({str(tmp_path / 'ignored')!r}).write_text(repr(found))\n"
    )
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--on", "person",
        "--run", f"{sys.executable} {script}", ignoring=(signal.SIGHUP, signal.SIGINT),
    )  # fmt: skip
    ignored = tmp_path / "ignored"
    wait_until(lambda: ignored.exists() and ignored.read_text())
    child.terminate()
    assert finish(child).code == 0
    assert ignored.read_text() == "[]"


def test_service_whose_camera_is_off_is_ready_waits_and_ends_when_told(small_bundle, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        child = spawn(
            *("detect", small_bundle, "--source", "/dev/v4l/by-id/not-plugged-in"),
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        assert systemd.recv(200).startswith(b"READY=1\nWATCHDOG=1\nSTATUS=waiting for the camera")
        assert systemd.recv(200).startswith(b"WATCHDOG=1\n")
        child.terminate()
        ran = finish(child)
    assert ran.code == 0, ran.err
    assert "not-plugged-in: no such file or folder; waiting for the camera" in ran.err


def test_file_that_is_not_there_ends_a_service_at_once(small_bundle, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        ran = finish(
            spawn(
                *("detect", small_bundle, "--source", "nowhere.mp4"),
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            )
        )
    assert ran.code == 1
    assert "nowhere.mp4" in ran.err


def test_one_picture_is_told_of_in_lines_and_drawn_into_a_file(device, bundle_dir, tmp_path):
    drawn = tmp_path / "drawn" / "cup.png"
    source = bundle_dir / "samples" / "cup.jpg"
    ran = device("detect", bundle_dir, "--source", source, "--output", drawn)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("cup ")
    assert f"drawn in {drawn}\n" in ran.err
    assert "INFO" not in ran.err
    assert drawn.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("parts", ["none", "status", "boxes,scores"])
def test_only_the_parts_asked_for_are_drawn_on_a_picture(device, bundle_dir, tmp_path, parts):
    source, drawn = bundle_dir / "samples" / "cat.jpg", tmp_path / "drawn.png"
    options = ("--output", drawn, "--draw", parts)
    assert device("detect", bundle_dir, "--source", source, *options).code == 0
    changed = (read_image(source) != read_image(drawn)).any(axis=-1)
    corner = changed[-13:-5, 8:36]  # within the status line, and within the lines of the cat's box
    assert corner.all() if parts == "status" else not corner.any()
    assert changed.any() == (parts != "none")


def test_picture_is_drawn_without_the_status_unless_it_is_asked_for(device, bundle_dir, tmp_path):
    source = bundle_dir / "samples" / "cat.jpg"
    for name, options in (("a.png", ()), ("b.png", ("--draw", "boxes,labels,scores"))):
        options += ("--output", tmp_path / name)
        assert device("detect", bundle_dir, "--source", source, *options).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_picture_as_output_of_what_is_none_is_refused(device, bundle_dir, tmp_path):
    ran = device("detect", bundle_dir, "--source", "demo", "--output", tmp_path / "drawn.jpg")
    assert ran.code == 2
    assert "is one picture, and --source demo is not" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_log_to_standard_output_has_it_for_itself(bundle_dir):
    source = str(bundle_dir / "samples" / "cup.jpg")
    done = run_module("device", "detect", str(bundle_dir), "--source", source, "--log", "-")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["detections"][0]["label"] == "cup"
    assert "seen: " in done.stderr
    assert "cup on 1" in done.stderr


def test_missing_source_names_the_file_that_is_called_most_like_it(device, bundle_dir):
    samples = bundle_dir / "samples"
    ran = device("detect", bundle_dir, "--source", samples / "cpu.jpg")
    assert ran.code == 1
    assert f"no such file or folder; did you mean {samples / 'cup.jpg'}?" in ran.err


def test_collected_frames_are_clean_and_of_scenes_that_differ(device, small_bundle, tmp_path):
    kept = tmp_path / "kept"
    options = (
        "detect", small_bundle, "--source", small_bundle / "samples", "--collect", kept,
        "--collect-every", 0.01, "--collect-scores", "0.2,0.9",
    )  # fmt: skip
    ran = device(*options)
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in (kept / "collected.jsonl").read_text().splitlines()]
    images = [name for name in names_in(kept) if name.endswith(".jpg")]
    assert sorted(line["file"] for line in lines) == images
    assert images
    for line in lines:
        original = read_image(small_bundle / "samples" / line["source"])
        assert np.abs(read_image(kept / line["file"]).astype(int) - original).mean() < 8
        assert line["why"] in ("unsure", "rare")
        assert line["findings"]
    assert device(*options).code == 0
    assert names_in(kept) == sorted([*images, "collected.jsonl"])
