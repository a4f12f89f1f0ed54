"""Where results go: a video, a folder of pictures, a log."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from abc import abstractmethod
from pathlib import Path
from typing import BinaryIO

import cv2
import msgspec
import numpy as np

from device.closable import Closable
from device.errors import SinkError, UsageError
from device.records import Outcome, Pixels, Result

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")
DEFAULT_FPS = 10.0  # of a video made from a source without a rate of its own
MIN_FREE_BYTES = 8 << 20  # below this a video is closed while it still can be


class Sink(Closable):
    """Takes every outcome of a run; used as a context manager.

    Leaving it with an exception still finishes what was written so far.
    """

    wants_picture = False  # whether outcomes must come with their picture drawn

    @abstractmethod
    def write(self, outcome: Outcome) -> None:
        """Take one outcome. Raises ``SinkError`` where it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output; may be called more than once. Raises ``SinkError``."""


def _make_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"{path.parent}: {exc.strerror}; choose another place to write") from exc


class VideoFileSink(Sink):
    """A video of the annotated frames.

    Written beside its final name, which it takes when it is finished and found playable: until
    then, and if it fails, a video that was there before stays. All frames get the size of the
    first; OpenCV's writer reports no errors, so space is watched and the result read back.
    """

    wants_picture = True

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._fps = fps or DEFAULT_FPS
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)
        self._written = 0
        self._failed = False
        if path.is_dir():
            raise SinkError(f"{path}: a folder has this name; choose another for the video")
        _make_parent(path)

    def _open(self, picture: Pixels) -> cv2.VideoWriter:
        height, width = picture.shape[:2]
        # MPEG-4 wants even sides.
        self._size_wh = (width - width % 2, height - height % 2)
        code = cv2.VideoWriter.fourcc(*("MJPG" if self._path.suffix == ".avi" else "mp4v"))
        writer = cv2.VideoWriter(str(self._partial), code, self._fps, self._size_wh)
        if not writer.isOpened():
            self._partial.unlink(missing_ok=True)
            raise SinkError(
                f"{self._path}: OpenCV cannot write a video here; is the folder writable, "
                f"and the name's ending one of {', '.join(VIDEO_SUFFIXES)}?"
            )
        return writer

    def write(self, outcome: Outcome) -> None:
        """Append the frame, fitted into the size of the first."""
        picture = outcome.picture
        assert picture is not None
        if self._writer is None:
            self._writer = self._open(picture)
        if self._written % 30 == 0 and shutil.disk_usage(self._path.parent).free < MIN_FREE_BYTES:
            self._failed = True
            raise SinkError(f"{self._path}: the disk is full after {self._written} frames")
        self._writer.write(fit(picture, self._size_wh))
        self._written += 1

    def close(self) -> None:
        """Finish the file, check that it plays, and give it its name."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        capture = cv2.VideoCapture(str(self._partial))
        readable = capture.isOpened() and capture.read()[0]
        frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        whole = readable and frames >= self._written
        if not whole or (self._failed and self._path.exists()):
            self._partial.unlink(missing_ok=True)
            raise SinkError(
                f"{self._path}: the video could not be written whole (is the disk full?); "
                "an earlier one was left as it was"
            )
        self._partial.replace(self._path)


def fit(picture: Pixels, size_wh: tuple[int, int]) -> Pixels:
    """``picture`` inside a frame of ``size_wh``, its shape kept, black around it."""
    height, width = picture.shape[:2]
    if 0 <= width - size_wh[0] <= 1 and 0 <= height - size_wh[1] <= 1:
        return picture[: size_wh[1], : size_wh[0]]
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    canvas = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        picture, inner, interpolation=cv2.INTER_AREA
    )
    return canvas


class PictureFolder(Sink):
    """A JPEG per frame, named as its source picture or by its number."""

    wants_picture = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise SinkError(f"{folder}: {exc.strerror}; choose another folder") from exc

    def write(self, outcome: Outcome) -> None:
        """Write one picture, whole or not at all."""
        assert outcome.picture is not None
        index, name = outcome.frame.index, outcome.frame.name
        stem = f"{index:06d}_{Path(name).stem}" if name else f"{index:06d}"
        ok, data = cv2.imencode(".jpg", outcome.picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert ok, "OpenCV encodes any 8-bit picture"
        path = self._folder / f"{stem}.jpg"
        partial = self._folder / f".{stem}.partial"
        try:
            partial.write_bytes(data.tobytes())
            partial.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise SinkError(f"{path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Nothing is held open."""


def _found(result: Result) -> dict[str, object]:
    if result.classes is not None:
        return {
            "classes": [
                {"label": item.label, "class_id": item.class_id, "score": round(item.score, 4)}
                for item in result.classes
            ]
        }
    return {
        "detections": [
            {
                "label": item.label,
                "class_id": item.class_id,
                "score": round(item.score, 4),
                "box": [round(side, 1) for side in item.box],
            }
            for item in result.detections
        ]
    }


def log_line(outcome: Outcome) -> bytes:
    """One line of the JSONL log, as documented in docs/formats.md, newline included."""
    timings = outcome.result.timings
    now = datetime.datetime.now(datetime.UTC)
    record = {
        "frame": outcome.frame.index,
        "source": outcome.frame.name,
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "captured_at_s": round(outcome.frame.captured_at_s, 4),
        "finished_at_s": round(outcome.finished_at_s, 4),
        **_found(outcome.result),
        "timings_ms": {
            "capture": round(timings.capture_ms, 3),
            "preprocess": round(timings.preprocess_ms, 3),
            "invoke": round(timings.invoke_ms, 3),
            "decode": round(timings.decode_ms, 3),
            "draw": round(outcome.draw_ms, 3),
        },
        "frame_age_ms": round(outcome.frame_age_ms, 3),
        "fps": round(outcome.fps, 2),
        "rss_mb": round(outcome.rss_mb, 1),
        "cpu_percent": round(outcome.cpu_percent, 1),
    }
    return msgspec.json.encode(record) + b"\n"


class JsonlLog(Sink):
    """A line of JSON per frame, appended: a log that was there before is never lost.

    Lines are whole or absent: one that the disk has no room for is taken back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _make_parent(path)
        try:
            # Unbuffered: every line is on its way to the card when it is written.
            self._file: BinaryIO | None = path.open("ab", buffering=0)
        except OSError as exc:
            raise SinkError(f"{path}: {exc.strerror}; choose another file") from exc

    def write(self, outcome: Outcome) -> None:
        """Append one line."""
        assert self._file is not None
        line = log_line(outcome)
        start = self._file.tell() if self._file.seekable() else 0  # a pipe has no position
        try:
            written = self._file.write(line)
            while written < len(line):  # a disk that fills up takes a part, then refuses
                written += self._file.write(line[written:])
        except OSError as exc:
            with contextlib.suppress(OSError):
                os.truncate(self._file.fileno(), start)
            raise SinkError(f"{self._path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def refuse_overwriting(output: Path | None, log: Path | None, source: str, bundle: Path) -> None:
    """Raise :class:`UsageError` where an output would destroy what the user wants to keep.

    That is the source, anything in the bundle, and the other output; and names whose ending
    promises something that cannot be written.
    """
    if not source:
        raise UsageError("--source is empty: a video, a picture, a folder or demo is expected")
    named = output is not None and output.suffix and not output.is_dir()
    if output is not None and named and output.suffix.lower() not in VIDEO_SUFFIXES:
        raise UsageError(
            f"--output {output}: a video ends in {', '.join(VIDEO_SUFFIXES)}; for a folder of "
            "pictures give a name without an ending"
        )
    if output is not None and log is not None and output.resolve() == log.resolve():
        raise UsageError(f"--output and --log are both {output}: give two names")
    for flag, path in (("--output", output), ("--log", log)):
        if path is None:
            continue
        if path.resolve() == Path(source).resolve():
            raise UsageError(f"{flag} {path} is the source: choose another name")
        if path.resolve().is_relative_to(bundle.resolve()):
            raise UsageError(f"{flag} {path} lies in the bundle: choose another place")
        if path.resolve().is_relative_to(Path(source).resolve()) and Path(source).is_dir():
            raise UsageError(
                f"{flag} {path} lies in the source folder, and would be read as a source next "
                "time: choose another place"
            )


def make_sinks(output: Path | None, log: Path | None, fps: float | None) -> list[Sink]:
    """The sinks for ``--output`` (a video by its ending, else a folder) and ``--log``."""
    sinks: list[Sink] = []
    if output is not None:
        video = output.suffix.lower() in VIDEO_SUFFIXES
        sinks.append(VideoFileSink(output, fps) if video else PictureFolder(output))
    if log is not None:
        sinks.append(JsonlLog(log))
    return sinks
