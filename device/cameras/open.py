"""The camera that a source names; its backend is imported only then: memory on a Pi counts."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Warn
from device.cameras.url import CameraUrl
from device.cameras.video_files import RAW_SUFFIXES, VIDEO_SUFFIXES
from device.errors import SourceError, UsageError
from device.file_kinds import kind_of_file, undecoded_format
from device.file_search import FolderListing, find_files, is_pattern, matching_files, part_files
from device.image_header import read_header
from device.suggestions import nearest

HEADER_BYTES = 1 << 20  # in which a PNG says that it is an animation
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
FIRST_BYTES = 64  # in which HEIC and AVIF say that they are
# Files that people give to --source, and why they are none.
NO_SOURCES = {
    "a model": "a model, not something to look at: it is named before --source",
    "a text file": "a text file, not a video or a picture",
}


class Backend(NamedTuple):
    """Where a kind of source is implemented, and which options it has no say in."""

    module: str  # below device.cameras
    camera: str  # its class
    refuses: tuple[str, ...] = ()


BACKENDS: Mapping[str, Backend] = {
    "demo": Backend("demo", "DemoCamera", ("fps",)),
    "picamera": Backend("picamera", "PicameraCamera"),
    "v4l2": Backend("v4l2", "V4l2Camera"),
    "http": Backend("mjpeg", "MjpegCamera", ("size_wh", "fps")),
    "rtsp": Backend("rtsp", "RtspCamera", ("size_wh", "fps")),
    "images": Backend("files", "ImageReader", ("size_wh", "fps")),
    "video": Backend("video", "VideoReader", ("size_wh", "fps")),
    "videos": Backend("video_folder", "VideoFolder", ("size_wh",)),
    "raw-video": Backend("video", "RawVideoReader", ("size_wh",)),
}


def open_camera(
    source: str,
    samples: Sequence[Path],
    warn: Warn,
    options: CameraOptions = DEFAULTS,
    stop: threading.Event | None = None,
) -> Camera:
    """The camera that ``source`` names: see docs/cameras.md.

    ``samples`` are the images that ``demo`` shows; ``warn`` is told of images passed over, and
    of cameras lost and found. Where ``stop`` is set before the camera is there, it is returned
    without being connected.
    Raises ``SourceError`` or ``UsageError``.
    """
    backend = BACKENDS[kind_of(source)]
    for name in backend.refuses:
        if getattr(options, name) is not None:
            shown = CameraUrl.parse(source).shown if "://" in source else source
            raise UsageError(
                f"--{name.removesuffix('_wh')}: {shown} comes as it is; "
                "picamera and V4L2 cameras can be asked"
            )
    module = importlib.import_module(f"device.cameras.{backend.module}")
    camera = cast(type[Camera], getattr(module, backend.camera))
    return camera.from_request(
        CameraRequest(source, samples, warn, options, stop or threading.Event())
    )


def kind_of(source: str) -> str:
    """The kind of ``source``: a key of ``BACKENDS``.

    Raises ``SourceError`` for a file that is missing or empty, ``UsageError`` for an address that
    is none.
    """
    if source == "demo":
        return "demo"
    if "://" in source:
        return "http" if CameraUrl.parse(source).scheme in ("http", "https") else "rtsp"
    if source.split(":")[0] == "picamera":
        return "picamera"
    path = Path(source)
    if source.isdecimal() or source.startswith("/dev/video") or path.is_char_device():
        return "v4l2"
    if not path.exists():
        if found := matching_files(source):
            return _kind_of_several(partial(part_files, found))
        if is_pattern(source):
            raise SourceError(f"{source}: no file matches this pattern")
        if path.is_symlink():
            raise SourceError(f"{source}: a link to {path.readlink()}, where nothing is")
        raise SourceError(f"{source}: no such file or folder{_nearest_file(path)}")
    if path.is_dir():
        return _kind_of_several(partial(find_files, path))
    if path.stat().st_size == 0:
        raise SourceError(f"{source}: empty file")
    _refuse_other_kinds(path)
    import cv2  # here: live cameras are told by their name

    if path.suffix.lower() in RAW_SUFFIXES:
        return "raw-video"
    if _is_animation(path):
        return "video"
    # By content, not by name: people have pictures called .jpg that are PNG, or nothing.
    is_image = cv2.haveImageReader(source) or path.suffix.lower() in IMAGE_SUFFIXES
    return "images" if is_image else "video"


def _kind_of_several(named_like: Callable[[tuple[str, ...]], FolderListing]) -> str:
    """The kind of a folder, or of what a pattern matches: one with an image is of images."""
    from device.cameras.files import READ_SUFFIXES  # here: it takes OpenCV

    has_videos_alone = named_like(VIDEO_SUFFIXES).files and not named_like(READ_SUFFIXES).files
    return "videos" if has_videos_alone else "images"


def _refuse_other_kinds(path: Path) -> None:
    """Raise ``SourceError`` for a file that is neither a video nor a picture that is read here."""
    if (what := NO_SOURCES.get(kind_of_file(path) or "")) is not None:
        raise SourceError(f"{path}: {what}")
    try:
        with path.open("rb") as file:
            undecoded = undecoded_format(path.name, file.read(FIRST_BYTES))
    except OSError:  # which is told of when it is opened
        return
    if undecoded is not None:
        raise SourceError(f"{path}: {undecoded}")


def _nearest_file(path: Path) -> str:
    """What to add to the error about a file that is missing: the one beside it called most like it.

    Empty where none is, or the folder is missing too.
    """
    try:
        names = [item.name for item in path.parent.iterdir()]
    except OSError:
        return ""
    name = nearest(path.name, names)
    return f"; did you mean {path.with_name(name)}?" if name else ""


def _is_animation(path: Path) -> bool:
    """Whether an image file is one that FFmpeg plays: an animated PNG or GIF."""
    try:
        with path.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES))
    except OSError:  # which is told of when it is opened
        return False
    return header is not None and header.frames > 1 and header.kind in ("PNG", "GIF")
