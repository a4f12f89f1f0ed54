"""Video segments: files of limited length, named by when they begin, the oldest removed first."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from device.outputs.base import ImageSink, make_folder
from device.outputs.encoders import choose_encoder
from device.outputs.file_names import recovered_of, series_pattern, stamp
from device.outputs.pace import Pace
from device.outputs.retention import DiskSpace
from device.outputs.video import VideoWriter, recover, refuse_second_run
from device.records import Outcome, Pixels
from device.system.closable import Closable
from device.system.file_lock import is_locked
from device.system.partial_file import partial_of

SHARE = 4  # of its quota a series keeps at least this many files


class VideoSeries(Closable):
    """A series of videos ``NAME-20261121T143000Z.mp4`` (UTC) in a folder, one after another.

    With ``local_time`` they are called ``NAME-20261121T153000+0100.mp4``.
    ``names`` are all that NAME can be. One that takes ``max_s`` seconds is followed by the next, as
    is one that is removed while it is written.
    Under a quota the oldest go, of earlier runs too, and those a power cut left unfinished.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        suffix: str,
        pace: Pace,
        max_s: float,
        quota_bytes: int | None,
        *,
        local_time: bool = False,
    ) -> None:
        make_folder(folder)
        self._local_time = local_time
        self._folder = folder
        self._suffix = suffix
        self._pace = pace
        self._max_s = max_s
        self._encoder = choose_encoder(suffix)
        pattern = series_pattern(names, suffix)
        self.others = self._recover(pattern)
        self._space = DiskSpace(folder, quota_bytes, pattern)
        self._file: VideoWriter | None = None
        self._began_s = 0.0

    def _recover(self, pattern: re.Pattern[str]) -> list[Path]:
        """Give the videos that a run left unfinished their names; returns those still written."""
        others = []
        for partial in sorted(self._folder.glob(f"*.partial{self._suffix}")):
            match = pattern.fullmatch(partial.name)
            if match is None:
                continue
            if is_locked(partial):
                others.append(partial)
                continue
            path = partial.with_name(partial.name.replace(".partial.", "."))
            recover(partial, recovered_of(path, time.time()) if path.exists() else path)
        return others

    @property
    def path(self) -> Path | None:
        """The name that the video under way will have; None where none is."""
        return None if self._file is None else self._file.path

    def write(self, name: str, image: Pixels, at_s: float) -> None:
        """Append a picture, to be shown at ``at_s``. Raises ``SinkError``."""
        if self._file is not None and (
            at_s - self._began_s >= self._max_s or self._is_large() or self._file.is_removed
        ):
            self.close()
        if self._file is None:
            self._began_s = at_s
            path = self._free_path(name, at_s)
            self._file = VideoWriter(path, self._encoder, self._pace.fps, self._space)
        self._file.write(image, at_s)

    def close(self) -> None:
        """Finish the video under way; the next picture begins another. Raises ``SinkError``."""
        if self._file is None:
            return
        file, self._file = self._file, None
        file.close()
        if file.path.exists():
            self._space.add(file.path)

    def _is_large(self) -> bool:
        limit = self._space.limit_bytes
        return (
            limit is not None and self._file is not None and self._file.size_bytes > limit / SHARE
        )

    def _free_path(self, name: str, at_s: float) -> Path:
        age_s = time.monotonic() - at_s if self._pace.live else 0.0
        began_s = time.time() - age_s
        while True:
            path = self._folder / f"{name}-{stamp(began_s, local=self._local_time)}{self._suffix}"
            if not path.exists() and not partial_of(path).exists():
                return path
            began_s += 1  # a file's minute may take less than a second, and clocks are set back


class SegmentSink(ImageSink):
    """A video of the annotated frames in segments of ``segment_s``, named after ``path``."""

    def __init__(
        self,
        path: Path,
        pace: Pace,
        segment_s: float,
        quota_bytes: int | None,
        *,
        local_time: bool = False,
    ) -> None:
        self._name = path.stem
        self._pace = pace
        self._series = VideoSeries(
            path.parent,
            [path.stem],
            path.suffix,
            pace,
            segment_s,
            quota_bytes,
            local_time=local_time,
        )
        if self._series.others:
            refuse_second_run(path)

    def write(self, outcome: Outcome) -> None:
        """Append the frame to its segment."""
        assert outcome.image is not None
        self._series.write(self._name, outcome.image, self._pace.at_s(outcome.frame))

    def close(self) -> None:
        """Finish the last segment."""
        self._series.close()
