from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device.errors import SinkError, UsageError
from device.outputs import window
from device.outputs.clips import ClipSink
from device.outputs.command import CommandSink
from device.outputs.image_folder import ImageFolder
from device.outputs.logs import CsvLog, JsonlLog
from device.outputs.open import make_sinks
from device.outputs.options import Outputs, check_outputs
from device.outputs.pace import Pace
from device.outputs.segments import SegmentSink
from device.outputs.video import VideoSink
from tests.architecture.test_imports import loaded_by
from tests.device.conftest import names_in

PACE = Pace(10.0)
BUNDLE = Path("bundle")


def made(outputs: Outputs) -> list[type]:
    kinds = []
    for sink in make_sinks(outputs, PACE, threading.Event()):
        with sink:
            kinds.append(type(sink))
    return kinds


@pytest.mark.parametrize(
    ("outputs", "kinds"),
    [
        (Outputs(), []),
        (Outputs(output=Path("a.MP4")), [VideoSink]),
        (Outputs(output=Path("a.mp4"), segment_s=5.0), [SegmentSink]),
        (Outputs(output=Path("folder"), log=Path("a.jsonl")), [ImageFolder, JsonlLog]),
        (Outputs(log=Path("a.CSV")), [CsvLog]),
        (Outputs(log=Path("a.csv.txt")), [JsonlLog]),
        (Outputs(on=["cat"], record_s=1.0), [ClipSink]),
        (Outputs(on=["cat"], run="true"), [CommandSink]),
        (Outputs(on=["cat"], run="true", record_s=1.0), [ClipSink, CommandSink]),
    ],
)
def test_sinks_are_those_asked_for(tmp_path, monkeypatch, outputs, kinds):
    monkeypatch.chdir(tmp_path)
    assert made(outputs) == kinds


def test_window_is_made_when_asked_for(monkeypatch):
    monkeypatch.setattr(window, "require_window", lambda: None)
    monkeypatch.setattr(window.cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(window.cv2, "destroyAllWindows", lambda: None)
    assert made(Outputs(display=True)) == [window.Window]


def test_quota_and_sizes_reach_the_sinks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = Outputs(
        output=Path("a.mp4"), segment_s=5.0, quota_bytes=1000, log=Path("a.csv"), log_size_bytes=99,
        on=["cat"], record_s=2.0, clips=Path("there"), run="true", cooldown_s=7.0,
    )  # fmt: skip
    segments, log, clips, command = make_sinks(outputs, PACE, threading.Event())
    assert segments._series._max_s == 5.0
    assert segments._series._space.limit_bytes == clips._series._space.limit_bytes == 1000
    assert log._limit_bytes == 99
    assert clips._after_s == 2.0
    assert (tmp_path / "there").is_dir()
    assert command._cooldown_s == 7.0
    assert command._clips is clips
    log.close()
    (images,) = make_sinks(Outputs(output=Path("out"), quota_bytes=500), PACE, threading.Event())
    assert images._space.limit_bytes == 500


def test_only_sinks_with_pictures_ask_for_them():
    wanting = {VideoSink, SegmentSink, ImageFolder, ClipSink, window.Window}
    sparing = {JsonlLog, CsvLog, CommandSink}
    assert {kind for kind in wanting | sparing if kind.wants_image} == wanting


@pytest.mark.parametrize("kind", [JsonlLog, ImageFolder, lambda path: VideoSink(path, PACE)])
def test_parent_that_is_a_file_is_an_error(tmp_path, kind):
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="choose another"):
        kind(tmp_path / "file" / "below" / "out.mp4")


@pytest.mark.parametrize(
    ("outputs", "source", "complaint"),
    [
        (Outputs(output=Path("a.mp4")), "a.mp4", "--output a.mp4 is the source"),
        (Outputs(log=Path("a.jpg")), "./a.jpg", "--log a.jpg is the source"),
        (Outputs(output=Path("x.mp4"), log=Path("./x.mp4")), "demo", "--output and --log are both"),
        (
            Outputs(output=Path("x"), on=["cat"], record_s=1.0, clips=Path("x")),
            "demo",
            "--output and --clips are both x",
        ),
        (Outputs(output=Path("bundle/samples")), "demo", "lies in the bundle"),
        (Outputs(log=Path("bundle/manifest.json")), "demo", "lies in the bundle"),
        (
            Outputs(on=["cat"], record_s=1.0, clips=Path("bundle")),
            "demo",
            "--clips bundle lies in the bundle",
        ),
        (Outputs(output=Path("photos/out")), "photos", "lies in the source folder"),
        (Outputs(output=Path("x.webm")), "demo", "a video ends in"),
        (Outputs(), "", "--source is empty"),
        (
            Outputs(output=Path("cam.mp4"), segment_s=9.0, quota_bytes=1),
            "cam-20261121T143000Z.mp4",
            "is called like what --quota removes",
        ),
        (
            Outputs(on=["cat"], record_s=9.0, quota_bytes=1),
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
        (Outputs(output=Path("annotated"), log=Path("log.jsonl")), "photos"),
        (Outputs(output=Path("annotated.mp4")), "a.mp4"),
        (Outputs(output=Path("photos")), "demo"),  # the default folder of clips is not in use
        (Outputs(output=Path("clips")), "demo"),
        (
            Outputs(output=Path("cam.mp4"), segment_s=9.0, quota_bytes=1),
            "old/cam-20261121T143000Z.mp4",
        ),
        (Outputs(output=Path("cam.mp4"), segment_s=9.0), "cam-20261121T143000Z.mp4"),
    ],
)
def test_outputs_beside_what_is_to_be_kept_are_fine(tmp_path, monkeypatch, outputs, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    check_outputs(outputs, source, BUNDLE)


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        (Outputs(on=["cat"]), "--on alone does nothing: add --record SECONDS or --run COMMAND"),
        (Outputs(record_s=1.0), "--record needs --on"),
        (Outputs(run="true"), "--run needs --on"),
        (Outputs(segment_s=1.0), "--segment needs --output with a video"),
        (Outputs(segment_s=1.0, output=Path("folder")), "--segment needs --output with a video"),
        (Outputs(quota_bytes=1), "--quota has nothing to remove: add --segment"),
        (Outputs(quota_bytes=1, output=Path("a.mp4")), "--quota has nothing to remove"),
        (Outputs(log_size_bytes=1), "--log-size needs --log FILE"),
        (Outputs(on=["cat"], run=""), "no such command"),
        (Outputs(on=["cat"], run="no-such-command --now"), "--run 'no-such-command --now': no su"),
        (Outputs(on=["cat"], run="/etc/passwd"), "no such command, or it is not executable"),
        (Outputs(on=["cat"], run="echo 'half"), "No closing quotation"),
        (Outputs(on=["cat"], run="cat >> seen"), "without a shell"),
    ],
)
def test_outputs_that_cannot_be_meant_are_refused(outputs, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_outputs(outputs, "demo", BUNDLE)


def test_what_is_not_asked_for_is_not_imported():
    """On a Pi every module costs memory: a run with a log has none of the rest."""
    modules = {
        f"device.outputs.{name}" for name in ("clips", "command", "image_folder", "video", "window")
    }
    loaded_by(
        "import threading; from pathlib import Path; from device.outputs.options import *; "
        "from device.outputs.open import *; "
        "list(make_sinks(Outputs(log=Path('/dev/null')), None, threading.Event())); "
        f"assert 'device.outputs.logs' in sys.modules; assert not {modules} & set(sys.modules)"
    )
