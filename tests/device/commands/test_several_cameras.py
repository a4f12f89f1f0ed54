from __future__ import annotations

import pytest

from tests.device.conftest import write_video
from tests.helpers.device_command import lines_of


@pytest.fixture
def two(tmp_path):
    """A video of 12 frames and one of 5, and a settings file that names both."""
    write_video(tmp_path / "long.avi", 12)
    write_video(tmp_path / "short.avi", 5, (96, 64))
    config = tmp_path / "settings.toml"
    config.write_text(
        f'threads = 1\nlog = "{tmp_path}/seen.jsonl"\n'
        f'[[camera]]\nname = "door"\nsource = "{tmp_path}/long.avi"\n'
        f'[[camera]]\nname = "garden"\nsource = "{tmp_path}/short.avi"\n'
    )
    return config


def test_each_camera_has_its_own_log_and_summary_and_ends_by_itself(
    device, small_bundle, two, tmp_path
):
    ran = device("detect", small_bundle, "--config", two)
    assert ran.code == 0, ran.err
    for name, frames in (("door", 12), ("garden", 5)):
        lines = lines_of(tmp_path / f"seen-{name}.jsonl")
        assert [line["camera"] for line in lines] == [name] * frames
        assert [line["frame"] for line in lines] == list(range(frames))
        assert f"{name}: {frames} frames, " in ran.out
    assert ran.err.count("int8 in litert") == 1


def test_lines_on_standard_output_say_whose_they_are(device, small_bundle, two):
    ran = device("detect", small_bundle, "--config", two, "--log", "-")
    assert ran.code == 0, ran.err
    assert ran.out.count('{"camera":"door",') == 12
    assert ran.out.count('{"camera":"garden",') == 5
    assert "garden: 5 frames" in ran.err


def test_camera_that_cannot_be_opened_fails_alone_and_the_exit_code_tells(
    device, small_bundle, two, tmp_path
):
    two.write_text(
        two.read_text().replace("short.avi", "missing.avi")
        + '[[camera]]\nsource = "demo"\nfps = 5\n'  # which a demo refuses
    )
    ran = device("detect", small_bundle, "--config", two, "--frames", 3)
    assert ran.code == 1
    assert f"garden has ended, the others go on: {tmp_path}/missing.avi: no such file" in ran.err
    assert "camera3 has ended, the others go on: --fps: demo comes as it is" in ran.err
    assert "2 of 3 cameras failed (garden, camera3)" in ran.error
    assert len(lines_of(tmp_path / "seen-door.jsonl")) == 3


def test_two_cameras_that_cannot_be_meant_exit_with_2_before_anything_runs(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "0", "--source", "/dev/video0")
    assert ran.code == 2
    assert "a source is read once" in ran.error


def test_mistake_of_ours_is_no_failure_of_a_camera(device, small_bundle, two, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("device.pipeline.pipeline.Pipeline.run", fail)
    with pytest.raises(ZeroDivisionError, match="ours"):
        device("detect", small_bundle, "--config", two)


def test_page_shows_all_and_says_once_where_it_is(device, small_bundle, two):
    ran = device("detect", small_bundle, "--config", two, "--serve", "127.0.0.1:0")
    assert ran.code == 0, ran.err
    assert ran.err.count("watch it at http://127.0.0.1:") == 1
