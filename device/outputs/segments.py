"""Video segments: files of limited length, named by when they begin, the oldest removed first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from device.outputs.base import ImageSink, make_folder
from device.outputs.encoders import choose_encoder
from device.outputs.file_names import partial_of, series_pattern
from device.outputs.pace import Pace
from device.outputs.retention import DiskSpace
from device.outputs.video import VideoWriter
from device.records import Outcome, Pixels
from device.system.closable import Closable

SHARE = 4  # of its quota a series keeps at least this many files


class VideoSeries(Closable):
    """A series of videos ``NAME-20261121T143000Z.mp4`` (UTC) in a folder, one after another.

    ``names`` are all that NAME can be. One that takes ``max_s`` seconds is followed by the next.
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
    ) -> None:
        make_folder(folder)
        self._folder = folder
        self._suffix = suffix
        self._pace = pace
        self._max_s = max_s
        self._encoder = choose_encoder(suffix)
        self._space = DiskSpace(folder, quota_bytes, series_pattern(names, suffix))
        self._file: VideoWriter | None = None
        self._began_s = 0.0

    @property
    def path(self) -> Path | None:
        """The name that the video under way will have; None where none is."""
        return None if self._file is None else self._file.path

    def write(self, name: str, image: Pixels, at_s: float) -> None:
        """Append a picture, to be shown at ``at_s``. Raises ``SinkError``."""
        if self._file is not None and (at_s - self._began_s >= self._max_s or self._is_large()):
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
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began_s))
            path = self._folder / f"{name}-{stamp}{self._suffix}"
            if not path.exists() and not partial_of(path).exists():
                return path
            began_s += 1  # a file's minute may take less than a second, and clocks are set back


class SegmentSink(ImageSink):
    """A video of the annotated frames in segments of ``segment_s``, named after ``path``."""

    def __init__(self, path: Path, pace: Pace, segment_s: float, quota_bytes: int | None) -> None:
        self._name = path.stem
        self._pace = pace
        self._series = VideoSeries(
            path.parent, [path.stem], path.suffix, pace, segment_s, quota_bytes
        )

    def write(self, outcome: Outcome) -> None:
        """Append the frame to its segment."""
        assert outcome.image is not None
        self._series.write(self._name, outcome.image, self._pace.at_s(outcome.frame))

    def close(self) -> None:
        """Finish the last segment."""
        self._series.close()
