"""The reader of several videos, one after another as if they were one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot, Warn
from device.cameras.video import RAW_FPS, RawVideoReader, VideoReader
from device.cameras.video_files import RAW_SUFFIXES, find_videos, matching_videos
from device.errors import SourceError, UsageError


class VideoFolder(Camera):
    """Videos in order of their names; one that is bad is reported and passed over.

    Their frames have one clock: the first of each comes one frame after the last of the one before.
    """

    def __init__(
        self, videos: Sequence[Path], warn: Warn, options: CameraOptions = DEFAULTS
    ) -> None:
        """Raises ``SourceError`` where none can be opened."""
        super().__init__(options)
        self._warn = warn
        self._count = len(videos)
        self._fps = options.fps
        if options.fps is not None and any(
            path.suffix.lower() not in RAW_SUFFIXES for path in videos
        ):
            raise UsageError(
                f"--fps: {videos[0].parent} comes as it is: videos tell their own rate"
            )
        self._waiting = list(videos)
        self._served = 0
        self._reader = self._next_reader()
        if self._reader is None:
            raise self._nothing()
        self.fps = self._reader.fps
        self._shots = self._read_all()

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The videos of a folder, or those that a pattern matches."""
        path = Path(request.source)
        found = find_videos(path) if path.is_dir() else matching_videos(request.source)
        if found.passed_over:
            count = len(found.files)
            request.warn(f"{path}: {count} video{'s' * (count > 1)}{found.besides()}")
        return cls(found.files, request.warn, request.options)

    def _next_reader(self) -> VideoReader | None:
        """The next video that can be opened; None where none is left."""
        while self._waiting:
            path = self._waiting.pop(0)
            kind = RawVideoReader if path.suffix.lower() in RAW_SUFFIXES else VideoReader
            try:
                return kind(path, CameraOptions(fps=self._fps))
            except SourceError as exc:
                self._skip(exc)
        return None

    def _skip(self, error: SourceError) -> None:
        if self._count == 1:
            raise error
        self._warn(f"skipped: {error}")

    def _nothing(self) -> SourceError:
        return SourceError(f"none of the {self._count} videos could be read")

    def _read(self) -> Shot | None:
        return next(self._shots, None)

    def _read_all(self) -> Iterator[Shot]:
        begins_s = 0.0
        while self._reader is not None:
            with self._reader as reader:
                for shot in self._shots_of(reader, begins_s):
                    yield shot
                    begins_s = (shot.shown_at_s or 0.0) + 1 / (reader.fps or RAW_FPS)
            if self._stop.is_set():
                return
            self._reader = self._next_reader()
        if self._served == 0:
            raise self._nothing()

    def _shots_of(self, reader: VideoReader, begins_s: float) -> Iterator[Shot]:
        """The frames of a video, the first of them shown at ``begins_s``."""
        offset_s: float | None = None
        try:
            for frame in reader.frames(stop=self._stop):
                shown_at_s = frame.shown_at_s or 0.0
                if offset_s is None:
                    offset_s = begins_s - shown_at_s
                self._served += 1
                yield Shot(frame.pixels, frame.name, shown_at_s=shown_at_s + offset_s)
        except SourceError as exc:
            self._skip(exc)

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.close()
