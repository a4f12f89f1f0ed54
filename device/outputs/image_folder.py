"""Image folders: one annotated JPEG per frame."""

from __future__ import annotations

import os
from pathlib import Path

from device.errors import SinkError
from device.images import encode_jpeg
from device.outputs.base import ImageSink, make_folder
from device.outputs.retention import DiskSpace
from device.records import Outcome
from device.system.atomic_file import write_whole
from device.system.console import say
from device.system.file_lock import take_lock


class ImageFolderSink(ImageSink):
    """A folder of annotated JPEGs, named by number and source image.

    A quota removes the oldest of this run: what others put there may be called alike.
    """

    def __init__(self, folder: Path, quota_bytes: int | None = None) -> None:
        self._drawn: Path | None = None  # where pictures lie: the one, or the folder of more
        make_folder(folder)
        self._lock: int | None = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        if not take_lock(self._lock):
            self.close()
            raise SinkError(
                f"{folder}: another run is writing into it; end that one, or choose another folder"
            )
        self._folder = folder
        self._space = DiskSpace(folder, quota_bytes)

    def write(self, outcome: Outcome) -> None:
        """Write one picture, whole or not at all."""
        assert outcome.image is not None
        index, name = outcome.frame.index, outcome.frame.name
        stem = f"{index:06d}_{Path(name).stem}" if name else f"{index:06d}"
        path = self._folder / f"{stem}.jpg"
        data = encode_jpeg(outcome.image)
        self._space.make(len(data))
        write_whole(path, data)
        self._space.add(path)
        self._drawn = path if self._drawn is None else self._folder

    def close(self) -> None:
        """Let go of the folder, and say where the pictures lie."""
        if self._drawn is not None:
            say(f"drawn in {self._drawn}")
        self._drawn = None
        number, self._lock = self._lock, None
        if number is not None:
            os.close(number)
