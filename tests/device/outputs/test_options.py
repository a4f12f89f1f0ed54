from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import UsageError
from device.outputs.options import OutputOptions as Options
from device.outputs.options import check_outputs, check_single_image
from tests.device.conftest import names_in

BUNDLE = Path("bundle")


@pytest.mark.parametrize(
    ("outputs", "source", "complaint"),
    [
        (Options(output=Path("a.mp4")), "a.mp4", "--output a.mp4 is the source"),
        (Options(log=Path("a.jpg")), "./a.jpg", "--log a.jpg is the source"),
        (
            Options(output=Path("x.mp4"), log=Path("./x.mp4")),
            "demo",
            "--output and --log are both",
        ),
        (
            Options(output=Path("x"), on=["cat"], record_s=1.0, clips=Path("x")),
            "demo",
            "--output and --clips are both x",
        ),
        (Options(output=Path("bundle/samples")), "demo", "lies in the bundle"),
        (Options(log=Path("bundle/manifest.json")), "demo", "lies in the bundle"),
        (
            Options(on=["cat"], record_s=1.0, clips=Path("bundle")),
            "demo",
            "--clips bundle lies in the bundle",
        ),
        (Options(output=Path("photos/out")), "photos", "lies in the source folder"),
        (Options(output=Path("x.webm")), "demo", "a video ends in"),
        (Options(), "", "--source is empty"),
        (Options(log=Path("typo/x")), "demo", "there is no folder typo; it is made only for"),
        (
            Options(output=Path("cam.mp4"), segment_s=9.0, quota_bytes=1),
            "cam-20261121T143000Z.mp4",
            "is called like what --quota removes",
        ),
        (
            Options(on=["cat"], record_s=9.0, quota_bytes=1),
            "clips/cat-20261121T143000Z.mp4",
            "is called like what --quota removes",
        ),
    ],
)
def test_output_that_would_destroy_something_is_refused(
    tmp_path, monkeypatch, outputs, source, complaint
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match=complaint):
        check_outputs(outputs, source, BUNDLE)
    assert names_in(tmp_path) == ["photos"]


@pytest.mark.parametrize(
    ("outputs", "source"),
    [
        (Options(output=Path("annotated"), log=Path("log.jsonl")), "photos"),
        (Options(output=Path("annotated.mp4")), "a.mp4"),
        (Options(output=Path("photos")), "demo"),  # the default folder of clips is not in use
        (Options(output=Path("clips")), "demo"),
        (
            Options(output=Path("cam.mp4"), segment_s=9.0, quota_bytes=1),
            "old/cam-20261121T143000Z.mp4",
        ),
        (Options(output=Path("cam.mp4"), segment_s=9.0), "cam-20261121T143000Z.mp4"),
    ],
)
def test_outputs_beside_what_is_to_be_kept_are_fine(tmp_path, monkeypatch, outputs, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    check_outputs(outputs, source, BUNDLE)


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        (
            Options(on=["cat"]),
            "--on alone does nothing: add --record SECONDS or --run COMMAND",
        ),
        (Options(record_s=1.0), "--record needs --on"),
        (Options(run="true"), "--run needs --on"),
        (Options(segment_s=1.0), "--segment needs --output with a video"),
        (
            Options(segment_s=1.0, output=Path("folder")),
            "--segment needs --output with a video",
        ),
        (Options(quota_bytes=1), "--quota has nothing to remove: add --segment"),
        (Options(quota_bytes=1, output=Path("a.mp4")), "--quota has nothing to remove"),
        (Options(log_size_bytes=1), "--log-size needs --log FILE"),
        (Options(on=["cat"], run=""), "no such command"),
        (
            Options(on=["cat"], run="no-such-command --now"),
            "--run 'no-such-command --now': no su",
        ),
        (Options(on=["cat"], run="/etc/passwd"), "no such command, or it is not executable"),
        (Options(on=["cat"], run="echo 'half"), "No closing quotation"),
        (Options(on=["cat"], run="cat >> seen"), "without a shell"),
    ],
)
def test_outputs_that_cannot_be_meant_are_refused(outputs, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_outputs(outputs, "demo", BUNDLE)


def test_command_for_rules_alone_needs_no_class():
    check_outputs(Options(run="true", has_rules=True), "demo", Path("bundle"))
    with pytest.raises(UsageError, match="--record needs --on"):
        check_outputs(Options(record_s=1.0, has_rules=True), "demo", Path("bundle"))


def test_output_with_a_slash_behind_it_is_a_folder_whatever_its_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("holiday.2026", "new.mp4", "new.jpg"):
        outputs = Options(output=Path(name), output_is_folder=True)
        assert not outputs.is_video
        assert not outputs.is_image
        check_outputs(outputs, "photos", BUNDLE)


@pytest.mark.parametrize("name", ["new/seen.jsonl", "new/seen.csv", "seen", "-"])
def test_log_is_taken_whose_name_or_folder_shows_that_it_is_meant(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    check_outputs(Options(log=Path(name)), "demo", BUNDLE)
    assert names_in(tmp_path) == []


def test_missing_picture_is_left_to_whoever_looks_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_outputs(Options(output=Path("drawn.jpg")), "stret.jpg", BUNDLE)
    with pytest.raises(UsageError, match=r"drawn\.jpg is one picture, and --source stret is not"):
        check_outputs(Options(output=Path("drawn.jpg")), "stret", BUNDLE)


def test_links_that_lead_in_a_circle_are_left_to_whoever_opens_them(tmp_path):
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    check_outputs(Options(output=circle / "drawn.mp4", log=tmp_path / "a.csv"), "demo", BUNDLE)
    with pytest.raises(UsageError, match="is the source"):
        check_outputs(Options(log=circle), str(circle), BUNDLE)


@pytest.mark.parametrize("images", [5, None])
def test_one_picture_of_a_source_of_more_is_refused(images):
    with pytest.raises(UsageError, match=r"drawn\.jpg is one picture, and --source a\.gif is more"):
        check_single_image(Options(output=Path("drawn.jpg")), "a.gif", images)


def test_one_picture_of_one_and_a_video_of_more_are_fine():
    check_single_image(Options(output=Path("drawn.jpg")), "a.jpg", 1)
    check_single_image(Options(output=Path("drawn.mp4")), "a.gif", 5)
