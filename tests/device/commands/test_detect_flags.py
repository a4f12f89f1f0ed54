from __future__ import annotations

import pytest


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
        ["--source", "demo", "--collect-scores", "0.6,0.3"],
        ["--source", "demo", "--collect-scores", "0.3"],
        ["--source", "demo", "--collect-scores", "0,nan"],
        ["--source", "demo", "--interpreter", "onnx"],
        ["--source", "demo", "--draw", "none,boxes"],
        ["--source", "demo", "--draw", ""],
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
        ("--fps", "2020-01-01"),  # as a date in settings comes
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


def test_settings_in_force_can_be_read_again(device, small_bundle, tmp_path):
    options = [
        "--output", "a.mp4", "--segment", 60, "--quota", 0.5, "--log", "a.csv", "--log-size", 10,
        "--on", "cat,hot dog", "--record", 2.5, "--clips", "here", "--run", "echo 'a b'",
        "--cooldown", 5, "--display", "--local-time",
    ]  # fmt: skip
    first = device("detect", small_bundle, "--source", "demo", *options, "--print-config")
    (tmp_path / "a.toml").write_text(first.out)
    again = device("detect", "--config", tmp_path / "a.toml", "--print-config")
    assert again.out == first.out
    for line in ('on = "cat,hot dog"', "run = \"echo 'a b'\"", "quota = 0.5", "display = true"):
        assert line in first.out.splitlines()
    assert "local_time = true" in first.out.splitlines()


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\nb", "a\x1b[2J"])
def test_name_that_is_none_exits_with_2(device, small_bundle, name):
    ran = device("detect", small_bundle, "--source", "demo", "--name", name)
    assert ran.code == 2
    assert "is no name: 1 to 40 letters" in ran.err
