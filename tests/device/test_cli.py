from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device import __version__
from device.images import read_image
from tests.conftest import ROOT
from tests.device.conftest import Ran, cut, encode, frames_of, names_in, write_video


def spawn(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """``python -m device ...`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "device", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(child: subprocess.Popen[str], timeout: float = 60) -> Ran:
    out, err = child.communicate(timeout=timeout)
    return Ran(child.returncode, out, err)


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# What works


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
    assert "(asked for), XNNPACK, 1 threads" in ran.err


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


def test_info_says_what_a_bundle_holds(device, bundle_dir):
    ran = device("info", bundle_dir)
    assert ran.code == 0, ran.err
    assert "80 classes" in ran.out
    assert "every sha256 as the manifest says" in ran.out
    for variant in ("float32", "float16", "dynamic", "int8"):
        size = (bundle_dir / f"{variant}.tflite").stat().st_size
        assert any(
            line.startswith(variant) and f"{size / 1e6:.2f} MB" in line
            for line in ran.out.splitlines()
        )


def test_version_is_told(device):
    assert device("--version").out == f"liteberry {__version__}\n"


def test_log_into_a_pipe(small_bundle):
    child = spawn("detect", small_bundle, "--source", "demo", "--frames", 3, "--log", "/dev/stdout")
    ran = finish(child)
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    assert [line["frame"] for line in lines] == [0, 1, 2]


# Wrong usage: exit code 2


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--source"],
        ["--source", "demo", "--frames", "0"],
        ["--source", "demo", "--frames", "many"],
        ["--source", "demo", "--threads", "-1"],
        ["--source", "demo", "--threshold", "0"],
        ["--source", "demo", "--threshold", "1.01"],
        ["--source", "demo", "--threshold", "nan"],
        ["--source", "demo", "--seed", "-1"],
        ["--source", "demo", "--interpreter", "onnx"],
        ["--source", "demo", "--nonsense"],
        ["--source", "demo", "--token", "rosebud"],
    ],
)
def test_wrong_options_exit_with_2_and_name_themselves(device, small_bundle, options):
    ran = device("detect", small_bundle, *options)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert (
        next(option for option in reversed(["--source", *options]) if option[:2] == "--") in ran.err
    )
    assert "Traceback" not in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["info"], ["detect"]])
def test_wrong_command_exits_with_2(device, arguments):
    ran = device(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.err.endswith("--help\n")


def test_unknown_variant_exits_with_2_and_lists_what_there_is(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "demo", "--variant", "int4")
    assert ran.code == 2
    assert "no variant 'int4'" in ran.error
    assert "it has: int8" in ran.error


def test_source_of_an_unknown_kind_exits_with_2_and_lists_what_there_is(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "ftp://bob:pw@host/video")
    assert ran.code == 2
    assert "ftp:// is not known; network cameras are reached by rtsp://" in ran.error
    assert "pw" not in ran.err


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--size", "640"),
        ("--size", "640x"),
        ("--size", "0x480"),
        ("--size", "640x-480"),
        ("--fps", "0"),
        ("--rotate", "45"),
        ("--flip", "left"),
        ("--give-up", "-1"),
        ("--frozen", "nan"),
    ],
)
def test_camera_flag_that_cannot_be_meant_exits_with_2(device, small_bundle, flag, value):
    ran = device("detect", small_bundle, "--source", "demo", f"{flag}={value}")
    assert ran.code == 2
    assert flag in ran.err


def test_size_and_way_up_of_the_demo_are_those_of_the_pictures(device, small_bundle, tmp_path):
    flags = ("--size", "320x180", "--rotate", "90", "--frames", "2")
    assert (
        device("detect", small_bundle, "--source", "demo", *flags, "--output", tmp_path).code == 0
    )
    assert [read_image(path).shape for path in tmp_path.iterdir()] == [(320, 180, 3)] * 2


# Bad input: exit code 1, one line that says what is wrong


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


def test_future_bundle_says_to_update(device, bundle_copy):
    bundle_copy.change(lambda manifest: manifest.update(format=99))
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "update liteberry" in ran.error


def test_damaged_bundle_says_to_copy_it_again(device, bundle_copy):
    (bundle_copy.folder / "samples" / "cat.jpg").write_bytes(b"x")
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "cat.jpg is damaged" in ran.error
    assert "copy or build the bundle again" in ran.error


def test_missing_bundle_says_how_to_make_one(device, tmp_path):
    ran = device("detect", tmp_path / "nowhere", "--source", "demo")
    assert ran.code == 1
    assert "convert build" in ran.error


def test_debug_shows_the_traceback_too(device, tmp_path):
    ran = device("info", tmp_path, "--debug")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: ")


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


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_cleanly(small_bundle, tmp_path, number):
    output, log = tmp_path / "x.mp4", tmp_path / "y.jsonl"
    child = spawn("detect", small_bundle, "--source", "demo", "--output", output, "--log", log)
    deadline = time.monotonic() + 30
    while not (log.exists() and log.stat().st_size > 5000):
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(number)
    ran = finish(child)
    assert ran.code == 0, ran.err
    assert "error" not in ran.err
    lines = lines_of(log)
    assert len(lines) >= 5
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    assert len(frames_of(output)) == len(lines)
    assert ran.out.startswith(f"{len(lines)} frames, ")
    assert names_in(tmp_path) == ["x.mp4", "y.jsonl"]


# A full disk


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a file system that only its children see."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    tool = shutil.which("unshare")
    return bool(tool) and not subprocess.run(command, check=False, capture_output=True).returncode


def on_full_disk(small_bundle: Path, folder: Path, room: int, *arguments: str) -> Ran:
    """Run ``detect`` on the demo in ``folder``, with ``room`` bytes left there.

    In a small file system of its own where this process may mount one; elsewhere no file may
    grow beyond the room.
    """
    command = ["detect", small_bundle, "--source", "demo", "--frames", 300, *arguments]
    disk = folder.parent / "disk"
    disk.mkdir()
    if not can_mount(disk):
        limit = (20_000, 20_000)
        return finish(
            spawn(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
        )
    # What the small file system holds at the end is carried out before it goes.
    script = (
        'set -e; disk=$1 folder=$2; mount -t tmpfs -o "size=$3" tmpfs "$disk"; shift 3;'
        'cp -a "$folder/." "$disk"; code=0; "$@" || code=$?;'
        'rm -r "$folder"; cp -a "$disk" "$folder"; exit $code'
    )
    inside = [sys.executable, "-m", "device"]
    inside += [str(part).replace(str(folder), str(disk)) for part in command]
    child = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script, "sh", disk, folder, str(room), *inside],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return finish(child)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


# Below 8 MB free the video stops while it still can be finished: once at the start, once after
# some frames.
@pytest.mark.parametrize("room", [4 << 20, 9 << 20])
def test_full_disk_while_writing_a_video_leaves_the_earlier_one(small_bundle, folder, room):
    earlier = write_video(folder / "earlier.avi", 3).rename(folder / "x.mp4").read_bytes()
    ran = on_full_disk(small_bundle, folder, room, "--output", str(folder / "x.mp4"))
    assert ran.code == 1
    assert "the disk is full (less than 8 MB free) after" in ran.error
    assert ran.error.endswith("x.mp4 is left as it was")
    assert (folder / "x.mp4").read_bytes() == earlier
    assert names_in(folder) == ["x.mp4"]


def test_file_that_may_not_grow_leaves_the_earlier_video(small_bundle, folder):
    (folder / "x.mp4").write_bytes(b"earlier")
    limit = (100_000, 100_000)
    child = spawn(
        "detect", small_bundle, "--source", "demo", "--frames", 60, "--output", folder / "x.mp4",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )  # fmt: skip
    ran = finish(child)
    assert ran.code == 1
    assert "File too large after" in ran.error
    assert ran.error.endswith("x.mp4 is left as it was")
    assert (folder / "x.mp4").read_bytes() == b"earlier"
    assert names_in(folder) == ["x.mp4"]


def test_full_disk_while_writing_pictures_leaves_whole_ones(small_bundle, folder):
    (folder / "earlier.jpg").write_bytes(b"earlier")
    ran = on_full_disk(small_bundle, folder, 9 << 20, "--output", str(folder))
    assert ran.code == 1
    assert "the disk is full (less than 8 MB free)" in ran.error or "File too large" in ran.error
    assert (folder / "earlier.jpg").read_bytes() == b"earlier"
    written = [path for path in folder.iterdir() if path.name != "earlier.jpg"]
    assert all(path.suffix == ".jpg" for path in written)
    for path in written:
        assert read_image(path).shape == (480, 640, 3)


def test_full_disk_while_logging_leaves_whole_lines(small_bundle, folder):
    (folder / "log.jsonl").write_text('{"frame": "earlier"}\n')
    ran = on_full_disk(small_bundle, folder, 40_000, "--log", str(folder / "log.jsonl"))
    assert ran.code == 1
    assert "No space left on device" in ran.error or "File too large" in ran.error
    first, *others = lines_of(folder / "log.jsonl")
    assert first == {"frame": "earlier"}
    assert [line["frame"] for line in others] == list(range(len(others)))
    assert len(others) > 20


def test_log_on_a_full_device_is_one_line(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "demo", "--frames", 2, "--log", "/dev/full")
    assert ran.code == 1
    assert ran.error == "error: /dev/full: No space left on device"


def test_video_survives_a_log_that_fails(device, small_bundle, tmp_path):
    output = tmp_path / "x.mp4"
    ran = device(
        "detect", small_bundle, "--source", "demo", "--output", output, "--log", "/dev/full"
    )
    assert ran.code == 1
    assert "/dev/full" in ran.error
    assert len(frames_of(output)) == 1


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


# Memory


MOST_MB = 100


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
