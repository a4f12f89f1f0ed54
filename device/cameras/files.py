"""The reader of image files, of which every one is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.ffmpeg_options import one_thread
from device.errors import SourceError
from device.file_search import FolderListing, matching_files, part_files
from device.image_header import read_header
from device.images import (
    IMAGE_SUFFIXES,
    NOT_A_PICTURE,
    check_pixels,
    find_images,
    read_bytes,
    read_image,
    read_page,
)
from device.records import Pixels
from device.system.console import count_of

PAGED_SUFFIXES = (".tif", ".tiff")
READ_SUFFIXES = (*IMAGE_SUFFIXES, ".gif")
NAMED_KINDS = ("jpg", "png", "bmp", "tif", "webp", "gif")
JPEG_AFTER_JPEG = b"\xff\xd9\xff\xd8"
# How all images of a file are seen, of which the first is taken.
ADVICE = {
    "JPEG": "name it .mjpeg, and give it to --source by itself",
    "PNG": "give it to --source by itself",
    "GIF": "give it to --source by itself",
    "WebP": "make a video of it",
}


class ImageReader(Camera):
    """Image files in order of their names; one that is bad is reported and passed over.

    Of a TIFF with several pages each is a frame; of an animation the first picture, which is said.
    """

    def __init__(self, images: list[Path], warn: Warn, options: CameraOptions = DEFAULTS) -> None:
        super().__init__(options)
        self._images = images
        self._warn = warn
        self._warned = False
        self._shots = self._read_all()
        if not any(path.suffix.lower() in PAGED_SUFFIXES for path in images):
            self.length = len(images)
        elif len(images) == 1:
            header = read_header(read_bytes(images[0]))
            self.length = 1 if header is None else header.frames

    @classmethod
    def of_folder(cls, folder: Path, warn: Warn, options: CameraOptions = DEFAULTS) -> ImageReader:
        """The images below ``folder``; raises ``SourceError`` where there is none.

        ``warn`` is told how many other files are passed over.
        """
        found = find_images(folder, READ_SUFFIXES)
        return cls._of_listing(
            f"{folder}: no pictures in this folder", folder, found, warn, options
        )

    @classmethod
    def of_pattern(cls, pattern: str, warn: Warn, options: CameraOptions = DEFAULTS) -> ImageReader:
        """The images that a pattern such as ``photos/*`` matches; raises as :meth:`of_folder`."""
        found = part_files(matching_files(pattern), READ_SUFFIXES)
        return cls._of_listing(f"{pattern}: matches no pictures", pattern, found, warn, options)

    @classmethod
    def _of_listing(
        cls,
        refusal: str,
        source: Path | str,
        found: FolderListing,
        warn: Warn,
        options: CameraOptions,
    ) -> ImageReader:
        if not found.files:
            raise SourceError(
                f"{refusal} ({', '.join(NAMED_KINDS)}), and no videos{found.besides()}"
            )
        if found.passed_over:
            warn(f"{source}: {count_of(len(found.files), 'picture')}{found.besides()}")
        return cls(found.files, warn, options)

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The images of a folder, those that a pattern matches, or the one of this name."""
        path = Path(request.source)
        if path.is_dir():
            return cls.of_folder(path, request.warn, request.options)
        if path.exists():
            return cls([path], request.warn, request.options)
        return cls.of_pattern(request.source, request.warn, request.options)

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
        if header is not None and header.kind == "TIFF" and header.frames > 1:
            for page in range(header.frames):
                yield read_page(path, page)
            return
        if header is not None and header.frames > 1:
            self._warn(
                f"{path}: the first of {header.frames} pictures in it; for all of them "
                f"{ADVICE[header.kind]}"
            )
        if header is not None and header.kind == "GIF":
            yield _first_of_gif(path, data)
        else:
            yield read_image(path, self._warn_once)


def _first_of_gif(path: Path, data: bytes) -> Pixels:
    """The first picture of a GIF, which FFmpeg decodes and OpenCV's own readers do not.

    Raises ``SourceError``.
    """
    check_pixels(data, str(path))
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, one_thread())
    try:
        ok, pixels = capture.read()
    finally:
        capture.release()
    if not ok:
        raise SourceError(f"{path}: {NOT_A_PICTURE}")
    return np.asarray(pixels, np.uint8)
