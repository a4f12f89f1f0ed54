from __future__ import annotations

from pathlib import Path

import pytest

from device.cameras.video_files import find_videos, is_partial, matching_videos


@pytest.mark.parametrize(
    ("name", "unfinished"),
    [("cam.partial.mp4", True), ("cam.mp4", False), ("partial.mp4", False), ("a.partial", False)],
)
def test_video_is_partial_by_its_name(name, unfinished):
    assert is_partial(Path(name)) == unfinished


def test_videos_of_a_folder_are_those_that_are_finished(tmp_path):
    for name in ("b.MP4", "a.h264", "c.partial.mkv", "d.jpg", ".e.mp4"):
        (tmp_path / name).touch()
    found = find_videos(tmp_path)
    assert [path.name for path in found.files] == ["a.h264", "b.MP4"]
    assert found.passed_over == {"unfinished": 1, ".jpg": 1, "hidden": 1}
    assert matching_videos(f"{tmp_path}/*").files == found.files
    assert matching_videos(f"{tmp_path}/b*").files == [tmp_path / "b.MP4"]
