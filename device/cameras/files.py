"""The reader of image files, of which every one is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot, Warn
from device.errors import SourceError
from device.image_header import read_header
from device.images import find_images, matching_files, read_bytes, read_image, read_page
from device.records import Pixels

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
