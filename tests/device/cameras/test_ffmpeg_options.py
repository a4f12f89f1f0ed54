from __future__ import annotations

import cv2

from device.cameras.ffmpeg_options import one_thread
from device.cameras.video import VideoReader


def test_opencv_that_knows_threads_decodes_with_one():
    assert one_thread() == [cv2.CAP_PROP_N_THREADS, 1]


def test_opencv_that_does_not_still_reads_a_video(monkeypatch, video):
    for name in ("CAP_PROP_N_THREADS", "CAP_PROP_PTS"):
        monkeypatch.delattr(cv2, name)
    assert one_thread() == []
    assert len(list(VideoReader(video).frames())) == 12
