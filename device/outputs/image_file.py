"""The image file: the annotated copy of one picture."""

from __future__ import annotations

from pathlib import Path

import cv2

from device.errors import SinkError
from device.outputs.base import ImageSink, make_folder
from device.records import Outcome
from device.system.atomic_file import write_whole
from device.system.console import say


class ImageFileSink(ImageSink):
    """The annotated picture in a file of this name, whole or not at all."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._path = path

    def write(self, outcome: Outcome) -> None:
        """Write the picture. Raises ``SinkError`` for one that cannot be encoded."""
        assert outcome.image is not None
        ok, data = cv2.imencode(self._path.suffix, outcome.image)
        if not ok:
            raise SinkError(f"{self._path}: OpenCV cannot write this picture so; try .png")
        write_whole(self._path, data.tobytes())
        say(f"drawn in {self._path}")

    def close(self) -> None:
        """Nothing is held open."""
