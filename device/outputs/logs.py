"""Logs: JSON lines of every outcome, or a CSV table of the detections."""

from __future__ import annotations

import contextlib
import os
import sys
from abc import abstractmethod
from pathlib import Path
from typing import BinaryIO

from device.errors import SinkError
from device.outputs.base import Sink, make_folder
from device.outputs.serialization import COLUMNS, to_csv, to_json
from device.records import Outcome

KEEP = 5  # older files of a log that rotates


class Log(Sink):
    """A log file that is appended to: one that was there before is never lost.

    What is written for a frame is whole or absent: what the disk has no room for is taken back.
    Beyond ``limit_bytes`` the file becomes ``NAME.1``, that ``NAME.2``, and so on up to five.
    """

    header = b""  # the first line of every file

    def __init__(self, path: Path, limit_bytes: int | None = None) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._file: BinaryIO | None = None
        make_folder(path.parent)
        self._open()

    @abstractmethod
    def lines(self, outcome: Outcome) -> bytes:
        """The bytes to append for a frame."""

    def _open(self) -> None:
        path = self._path
        try:
            # Unbuffered: every line is on its way to the card when it is written.
            self._file = path.open("ab", buffering=0)
            if self._limit_bytes is not None and not path.is_file():
                raise SinkError(f"{path}: only a file can be kept to a size; leave that out")
            self._size = os.fstat(self._file.fileno()).st_size
            if self._size == 0:
                self._append(self.header)
                return
            with path.open("rb") as earlier:
                if self.header and earlier.readline() != self.header:
                    raise SinkError(f"{path}: has other columns; choose another file")
                earlier.seek(-1, os.SEEK_END)
                if earlier.read() != b"\n":  # a power cut may have halved the last line
                    self._append(b"\n")
        except OSError as exc:
            self.close()
            if isinstance(exc, SinkError):
                raise
            raise SinkError(f"{path}: {exc.strerror}; choose another file") from exc

    def write(self, outcome: Outcome) -> None:
        """Append what there is to say about the frame."""
        data = self.lines(outcome)
        limit = self._limit_bytes
        if limit is not None and self._size > len(self.header) and self._size + len(data) > limit:
            self._rotate()
        self._append(data)

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        written = 0
        try:
            while written < len(data):  # a disk that fills up takes a part, then refuses
                written += self._file.write(data[written:])
        except OSError as exc:
            with contextlib.suppress(OSError):
                size = os.fstat(self._file.fileno()).st_size
                os.truncate(self._file.fileno(), size - written)
            raise SinkError(f"{self._path}: {exc.strerror}") from exc
        self._size += written

    def _rotate(self) -> None:
        self.close()
        names = [self._path.with_name(f"{self._path.name}.{age}") for age in range(1, KEEP + 1)]
        try:
            for newer, older in zip(names[-2::-1], names[::-1], strict=False):
                if newer.exists():
                    newer.replace(older)
            self._path.replace(names[0])
        except OSError as exc:
            raise SinkError(f"{self._path}: cannot be renamed ({exc.strerror})") from exc
        self._open()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class JsonlLog(Log):
    """A log of one JSON line per frame."""

    camera = ""

    def lines(self, outcome: Outcome) -> bytes:
        """The frame's line."""
        return to_json(outcome, self.camera) + b"\n"


class CsvLog(Log):
    """A log of one CSV row per detection, for spreadsheets; a frame without any leaves none."""

    header = (",".join(COLUMNS) + "\n").encode()

    def lines(self, outcome: Outcome) -> bytes:
        """The frame's rows."""
        return to_csv(outcome)


class StdoutLog(Sink):
    """A log of one JSON line per frame on standard output, for the program at a pipe's end."""

    def __init__(self, camera: str = "") -> None:
        self._camera = camera

    def write(self, outcome: Outcome) -> None:
        """Write the frame's line at once. Raises ``SinkError`` where nobody reads it any more."""
        try:
            sys.stdout.buffer.write(to_json(outcome, self._camera) + b"\n")
            sys.stdout.buffer.flush()
        except OSError as exc:
            raise SinkError(f"--log -: {exc.strerror}") from exc

    def close(self) -> None:
        """Nothing is held open."""


def make_log(path: Path, limit_bytes: int | None, camera: str = "") -> Log:
    """The log that the ending of ``path`` asks for; lines of JSON have the name of a ``camera``."""
    if path.suffix.lower() == ".csv":
        return CsvLog(path, limit_bytes)
    log = JsonlLog(path, limit_bytes)
    log.camera = camera
    return log
