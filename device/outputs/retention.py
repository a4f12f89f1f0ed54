"""Disk retention: quotas on outputs, and a disk that is never filled up."""

from __future__ import annotations

import re
import shutil
from collections import deque
from pathlib import Path

from device.errors import SinkError
from device.outputs.file_names import in_utc
from device.system.console import say
from device.system.file_lock import is_locked

MIN_FREE_BYTES = 8 << 20  # the rest of the system needs some, and finishing a video does


class DiskSpace:
    """The disk space that one kind of output may take in a folder.

    With ``limit_bytes`` the oldest files go when they are more than that, or when the disk is
    nearly full: those that were added, and those there before whose names match ``ours``, its
    first group being when they were made, a stamp. No other file is ever removed; without a limit
    none is.
    """

    def __init__(
        self, folder: Path, limit_bytes: int | None = None, ours: re.Pattern[str] | None = None
    ) -> None:
        self.limit_bytes = limit_bytes
        self._folder = folder
        # By name: of a path five times the memory goes, and a quota may hold many thousands.
        self._files: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._told = False
        if ours is not None:
            # One that is still being written is not in the way yet.
            paths = [path for path in folder.iterdir() if not is_locked(path)]
            named = [(ours.fullmatch(path.name), path) for path in paths]
            for _, path in sorted((in_utc(match[1]), path) for match, path in named if match):
                self.add(path)

    def add(self, path: Path) -> None:
        """Count a file of the folder that was finished, the newest of all."""
        if self.limit_bytes is None:
            return
        try:
            size = path.stat().st_size
        except FileNotFoundError:  # it was renamed, to be kept, or removed
            return
        self._files.append((path.name, size))
        self._bytes += size

    def make(self, growing_bytes: int = 0) -> None:
        """Remove what must go before more is written; ``growing_bytes`` are not added yet.

        Raises :class:`SinkError` where the disk is full nevertheless.
        """
        if self.limit_bytes is not None:
            while self._files and self._bytes + growing_bytes > self.limit_bytes:
                self._remove_oldest()
            while self._files and self._is_full():
                if not self._told:
                    say(f"{self._folder}: the disk is nearly full, the oldest go")
                    self._told = True
                self._remove_oldest()
        if self._is_full():
            free_mb = MIN_FREE_BYTES / 1e6
            raise SinkError(f"{self._folder}: the disk is full (less than {free_mb:.0f} MB free)")

    def _is_full(self) -> bool:
        return shutil.disk_usage(self._folder).free < MIN_FREE_BYTES

    def _remove_oldest(self) -> None:
        name, size = self._files.popleft()
        self._bytes -= size
        path = self._folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise SinkError(f"{path}: {exc.strerror}; it was to make room") from exc
