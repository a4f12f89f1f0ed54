from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device.outputs import window
from device.outputs.base import ImageSink
from device.outputs.clips import ClipSink
from device.outputs.command import CommandSink
from device.outputs.image_folder import ImageFolderSink
from device.outputs.logs import CsvLog, JsonlLog
from device.outputs.open import open_sinks
from device.outputs.options import OutputOptions as Options
from device.outputs.pace import Pace
from device.outputs.segments import SegmentSink
from device.outputs.video import VideoSink
from tests.architecture.test_imports import loaded_by

PACE = Pace(10.0)


def made(outputs: Options) -> list[type]:
    kinds = []
    for sink in open_sinks(outputs, PACE, threading.Event()):
        with sink:
            kinds.append(type(sink))
    return kinds


@pytest.mark.parametrize(
    ("outputs", "kinds"),
    [
        (Options(), []),
        (Options(output=Path("a.MP4")), [VideoSink]),
        (Options(output=Path("a.mp4"), segment_s=5.0), [SegmentSink]),
        (Options(output=Path("folder"), log=Path("a.jsonl")), [ImageFolderSink, JsonlLog]),
        (Options(log=Path("a.CSV")), [CsvLog]),
        (Options(log=Path("a.csv.txt")), [JsonlLog]),
        (Options(on=["cat"], record_s=1.0), [ClipSink]),
        (Options(on=["cat"], run="true"), [CommandSink]),
        (Options(on=["cat"], run="true", record_s=1.0), [ClipSink, CommandSink]),
    ],
)
def test_sinks_are_those_asked_for(tmp_path, monkeypatch, outputs, kinds):
    monkeypatch.chdir(tmp_path)
    assert made(outputs) == kinds


def test_window_is_made_when_asked_for(monkeypatch):
    monkeypatch.setattr(window, "require_window", lambda: None)
    monkeypatch.setattr(window.cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(window.cv2, "destroyAllWindows", lambda: None)
    assert made(Options(display=True)) == [window.WindowSink]


def test_quota_and_sizes_reach_the_sinks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = Options(
        output=Path("a.mp4"), segment_s=5.0, quota_bytes=1000, log=Path("a.csv"), log_size_bytes=99,
        on=["cat"], record_s=2.0, clips=Path("there"), run="true", cooldown_s=7.0,
    )  # fmt: skip
    segments, log, clips, command = open_sinks(outputs, PACE, threading.Event())
    assert segments._series._max_s == 5.0
    assert segments._series._space.limit_bytes == clips._series._space.limit_bytes == 1000
    assert log._limit_bytes == 99
    assert clips._after_s == 2.0
    assert (tmp_path / "there").is_dir()
    assert command._cooldown_s == 7.0
    assert command._clip_path == clips.path
    log.close()
    (images,) = open_sinks(Options(output=Path("out"), quota_bytes=500), PACE, threading.Event())
    assert images._space.limit_bytes == 500


def test_only_sinks_with_pictures_ask_for_them():
    wanting = {VideoSink, SegmentSink, ImageFolderSink, window.WindowSink}
    sparing = {JsonlLog, CsvLog, CommandSink}
    assert {kind for kind in wanting | sparing if issubclass(kind, ImageSink)} == wanting


def test_what_is_not_asked_for_is_not_imported():
    """On a Pi every module costs memory: a run with a log has none of the rest."""
    modules = {
        f"device.outputs.{name}" for name in ("clips", "command", "image_folder", "video", "window")
    }
    loaded_by(
        "import threading; from pathlib import Path; from device.outputs.options import *; "
        "from device.outputs.open import *; "
        "list(open_sinks(OutputOptions(log=Path('/dev/null')), None, threading.Event())); "
        f"assert 'device.outputs.logs' in sys.modules; assert not {modules} & set(sys.modules)"
    )
