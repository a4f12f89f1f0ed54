from __future__ import annotations

import pytest

from device.errors import SinkError
from device.outputs.image_folder import ImageFolderSink
from device.outputs.logs import JsonlLog
from device.outputs.pace import Pace
from device.outputs.video import VideoSink


@pytest.mark.parametrize(
    "kind", [JsonlLog, ImageFolderSink, lambda path: VideoSink(path, Pace(10.0))]
)
def test_parent_that_is_a_file_is_an_error(tmp_path, kind):
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="choose another"):
        kind(tmp_path / "file" / "below" / "out.mp4")
