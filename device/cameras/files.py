"""Readers of files: videos and image folders, of which every frame is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot, Warn
from device.errors import SourceError
from device.image_header import read_header
from device.images import check_size, find_images, matching_files, read_bytes, read_image, read_page
from device.orientation import Orientation
from device.records import Pixels


class VideoReader(Camera):
    """A video file, every frame of it, as fast as it can be decoded."""

    def __init__(self, path: Path, options: CameraOptions = DEFAULTS) -> None:
        """Raises ``SourceError`` for a file that is no video OpenCV can read."""
        super().__init__(options)
        self._path = path
        # One thread: more would each hold a few frames, and the network needs the other cores.
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not self._capture.isOpened():
            raise SourceError(
                f"{path}: neither a picture nor a video that can be read; "
                "is it complete, and does it play elsewhere?"
            )
        if self._capture.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"ansi"):
            # FFmpeg plays any text as the screen of a terminal.
            raise SourceError(f"{path}: a text file, not a video")
        # Phones store videos as their sensor lies, with a rotation in the header, which one OpenCV
        # applies and another does not.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        turn = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        self._upright = Orientation.of(turn if turn % 90 == 0 else 0, None)
        width, height = (
            round(self._capture.get(side))
            for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        check_size((width, height), str(path))
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or None
        self._promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._served = 0
        self.length = self._promised if self._promised > 0 else None

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The video of this name."""
        return cls(Path(request.source), request.options)

    def _read(self) -> Shot | None:
        ok, pixels = self._capture.read()
        if ok:
            self._served += 1
            upright = self._upright.apply(np.asarray(pixels, np.uint8))
            return Shot(upright, self._path.name)
        if self._served == 0:
            raise SourceError(f"{self._path}: a video without a single frame that can be decoded")
        # Containers estimate their length: a frame or two short is a whole video.
        if self._served + max(2, self._promised // 100) < self._promised:
            raise SourceError(
                f"{self._path}: ends after {self._served} of {self._promised} frames, "
                "the file is damaged; what was readable has been processed"
            )
        return None

    def _release(self) -> None:
        self._capture.release()


PAGED_SUFFIXES = (".tif", ".tiff")
JPEG_AFTER_JPEG = b"\xff\xd9\xff\xd8"
# What to do with a file of several images, of which OpenCV would decode the first alone.
ADVICE = {
    "JPEG": "name it .mjpeg, and give it to --source by itself",
    "PNG": "give it to --source by itself",
    "GIF": "give it to --source by itself",
    "WebP": "make a video or a folder of pictures of it",
}


class ImageReader(Camera):
    """Image files in order of their names; one that is bad is reported and passed over.

    Of a TIFF with several pages each is a frame.
    """

    def __init__(self, images: list[Path], warn: Warn, options: CameraOptions = DEFAULTS) -> None:
        super().__init__(options)
        self._images = images
        self._warn = warn
        self._warned = False
        self._shots = self._read_all()
        if not any(path.suffix.lower() in PAGED_SUFFIXES for path in images):
            self.length = len(images)

    @classmethod
    def of_folder(cls, folder: Path, warn: Warn, options: CameraOptions = DEFAULTS) -> ImageReader:
        """The images below ``folder``; raises ``SourceError`` where there is none.

        ``warn`` is told how many other files are passed over.
        """
        found = find_images(folder)
        if not found.images:
            raise SourceError(
                f"{folder}: no pictures in this folder (jpg, png, bmp, tif, webp){found.besides()}"
            )
        if found.passed_over:
            warn(f"{folder}: {len(found.images)} pictures{found.besides()}")
        return cls(found.images, warn, options)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The images of a folder, or the one of this name."""
        path = Path(request.source)
        if path.is_dir():
            return cls.of_folder(path, request.warn, request.options)
        images = [path] if path.exists() else matching_files(request.source)
        return cls(images, request.warn, request.options)

    def _read(self) -> Shot | None:
        return next(self._shots, None)

    def _read_all(self) -> Iterator[Shot]:
        good = 0
        for path in self._images:
            try:
                for pixels in self._pages(path):
                    good += 1
                    yield Shot(pixels, path.name)
            except SourceError as exc:
                if len(self._images) == 1:
                    raise
                self._warn(f"skipped: {exc}")
        if good == 0:
            raise SourceError(f"none of the {len(self._images)} pictures could be read")

    def _warn_once(self, message: str) -> None:
        if not self._warned:
            self._warn(f"{message}; later ones like it are not told of")
        self._warned = True

    def _pages(self, path: Path) -> Iterator[Pixels]:
        """The images in a file: of most it is one. Raises ``SourceError``."""
        data = read_bytes(path)
        # Of nearly all photographs a search tells that they are one, without reading their parts.
        is_one = data.startswith(b"\xff\xd8") and JPEG_AFTER_JPEG not in data
        header = None if is_one else read_header(data)
        frames = 1 if header is None else header.frames
        if header is None or frames == 1:
            yield read_image(path, self._warn_once)
        elif header.kind == "TIFF":
            for page in range(frames):
                yield read_page(path, page)
        else:
            raise SourceError(f"{path}: {frames} pictures in one file; {ADVICE[header.kind]}")
