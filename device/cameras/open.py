"""The camera that a source names, its backend imported only then."""

from __future__ import annotations

from pathlib import Path

import cv2

from device.cameras.base import DEFAULTS, Camera, CameraOptions, Warn
from device.errors import SourceError, UsageError
from device.images import read_image


def open_camera(
    source: str, samples: list[Path], warn: Warn, options: CameraOptions = DEFAULTS
) -> Camera:
    """The camera that ``source`` names: see docs/cameras.md.

    ``samples`` are the pictures that ``demo`` shows; ``warn`` is told of pictures passed over, and
    of cameras lost and found.
    Raises ``SourceError`` or ``UsageError``.
    """
    # Each kind is imported where it is wanted: memory on a Pi counts.
    if source == "demo":
        from device.cameras.demo import DemoCamera

        _refuse(options, source, "fps")
        return DemoCamera([read_image(path) for path in samples], options)
    if source.split(":")[0] == "picamera" and "://" not in source:
        from device.cameras.picamera import PicameraCamera, camera_number

        return PicameraCamera(camera_number(source), options, warn)
    device = f"/dev/video{source}" if source.isdecimal() else source
    if device.startswith("/dev/video") or Path(device).is_char_device():
        from device.cameras.v4l2 import V4l2Camera

        return V4l2Camera(device, options, warn)
    if "://" in source:
        return _open_url(source, warn, options)
    from device.cameras.files import Images, VideoFile

    path = Path(source)
    if not path.exists():
        raise SourceError(f"{source}: no such file or folder")
    _refuse(options, source, "size_wh", "fps")
    if path.is_dir():
        return Images.of_folder(path, warn, options)
    if path.stat().st_size == 0:
        raise SourceError(f"{source}: empty file")
    # By content, not by name: people have pictures called .jpg that are PNG, or nothing.
    if cv2.haveImageReader(source) or path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp"):
        return Images([path], warn, options)
    return VideoFile(path, options)


def _open_url(source: str, warn: Warn, options: CameraOptions) -> Camera:
    from device.cameras.url import CameraUrl

    url = CameraUrl.parse(source)
    _refuse(options, url.shown, "size_wh", "fps")
    if url.scheme in ("http", "https"):
        from device.cameras.mjpeg import MjpegCamera

        return MjpegCamera(url, options, warn)
    from device.cameras.rtsp import RtspCamera

    return RtspCamera(url, options, warn)


def _refuse(options: CameraOptions, source: str, *names: str) -> None:
    """Raise :class:`UsageError` where something is asked of a source that it cannot give."""
    for name in names:
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name.removesuffix('_wh')}: {source} comes as it is; "
                "picamera and V4L2 cameras can be asked"
            )
