"""A tracker of detections: ByteTrack's method (Zhang et al. 2022, arXiv:2110.06864).

Detections with a high score are matched with all tracks first; those with a low one may then keep
a track that would be lost, but never begin one. Overlap is weighted by the score, so that of two
boxes that fit alike the surer is taken. Classes never mix: a dog does not continue a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Threshold
from device.inference.boxes import pairwise_iou
from device.inference.thresholds import least_scores, threshold_of
from device.records import Detection
from device.tracking.association import assign
from device.tracking.kalman import BoxFilter, Values
from device.tracking.options import TrackerOptions

BEGIN_FRAMES = 2  # that could begin a track, for it to be sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One object, followed: where it is now, whether it was found there or is believed to be."""

    track_id: int  # from 1, never used again
    class_id: int
    label: str
    score: float  # 0..1, of the last detection
    box: tuple[float, float, float, float]  # x_min, y_min, x_max, y_max in source pixels
    velocity: tuple[float, float]  # of its centre, pixels per second
    began_at_s: float  # monotonic, of its first detection
    seen_at_s: float  # monotonic, of its last
    confirmed: bool
    found: bool  # on this frame; else predicted
    shown: bool  # confirmed, and found now or a moment ago
    detection: Detection | None  # as which it was found on this frame
    best: Detection  # as which it was found with the best score
    sure: bool  # confirmed by sure detections within a window, not by those that only keep a track


@dataclass(slots=True)
class _Life:
    """What is known of a track besides where it is."""

    track_id: int
    class_id: int
    label: str
    score: float
    began_at_s: float
    seen_at_s: float
    confirmed: bool
    best: Detection
    hits: int = 1
    # A bit for each of the last frames, the newest lowest: with a high score, with one to begin.
    high_frames: int = 1
    begin_frames: int = 1
    sure: bool = False
    frames: int = 1
    detection: Detection | None = None  # on the last frame that the network saw

    @property
    def found(self) -> bool:
        """Whether it was found on the last frame that the network saw."""
        return self.detection is not None


@dataclass(frozen=True, slots=True)
class _Frame:
    """The detections of one frame that are worth a look, and their boxes (n, 4) of corners."""

    found: Sequence[Detection]
    boxes: Values
    at_s: float


class Tracker:
    """Follows objects from frame to frame; one for each camera."""

    def __init__(self, options: TrackerOptions | None = None) -> None:
        self._options = options or TrackerOptions()
        self._filter = BoxFilter(self._options.noise)
        self._lives: list[_Life] = []
        self._next_id = 1
        self._at_s: float | None = None

    def update(self, detections: Iterable[Detection], at_s: float) -> list[Track]:
        """Tracks after the detections of the frame captured ``at_s`` (monotonic seconds).

        Frames come in order. Some of the tracks that are returned are not confirmed, and some not
        found on this frame: see :class:`Track`.
        """
        options = self._options
        previous_s = at_s if self._at_s is None else self._at_s
        self._advance(at_s)
        self._keep(at_s - life.seen_at_s <= options.lost_after_s for life in self._lives)
        found = [i for i in detections if i.score >= threshold_of(options.low_score, i.class_id)]
        boxes = np.array([item.box for item in found], float).reshape(-1, 4)
        frame = _Frame(found, boxes, at_s)
        scores = np.array([item.score for item in found], float)
        class_ids = np.array([item.class_id for item in found], np.intp)
        for life in self._lives:
            life.detection = None
            life.frames += 1
            life.high_frames = life.high_frames << 1 & (1 << options.window) - 1
            life.begin_frames = life.begin_frames << 1 & (1 << options.window) - 1
        similarity = self._similarity(frame)
        is_high = scores >= least_scores(options.high_score, class_ids)
        sure = np.flatnonzero(is_high)
        # Confirmed tracks choose first: what has just begun must not take their detections.
        confirmed = np.array([life.confirmed for life in self._lives], bool)
        weighted = similarity * scores
        for rows in (np.flatnonzero(confirmed), np.flatnonzero(~confirmed)):
            sure = self._match(weighted, rows, sure, options.least_similarity, frame)
        waiting = [
            row
            for row, life in enumerate(self._lives)
            if not life.found and previous_s - life.seen_at_s <= options.unsure_within_s
        ]
        unsure = np.flatnonzero(~is_high)
        self._match(similarity, np.array(waiting, np.intp), unsure, options.least_overlap, frame)
        misses = options.window - options.confirmations
        self._keep(life.confirmed or life.frames - life.hits <= misses for life in self._lives)
        may_begin = scores >= least_scores(options.begin_score, class_ids)
        self._begin(frame, sure[may_begin[sure]])
        return self._tracks()

    def predict(self, at_s: float) -> list[Track]:
        """Where the tracks are believed to be ``at_s``, on a frame that the network was spared.

        What was found on the last frame that it saw is still shown.
        """
        self._advance(at_s)
        return self._tracks(predicted=True)

    def hold(self, at_s: float) -> list[Track]:
        """The tracks where they were, on a frame ``at_s`` on which nothing moved."""
        self._at_s = at_s
        for life in self._lives:
            if life.found:
                life.seen_at_s = at_s
        return self._tracks(predicted=True)

    def set_threshold(self, threshold: Threshold) -> None:
        """Take detections from ``threshold`` on for sure ones, other limits in proportion."""
        self._options = self._options.at_threshold(threshold)

    @property
    def low_score(self) -> float:
        """The least score that a detection needs to be of use."""
        low = self._options.low_score
        return min(low) if isinstance(low, tuple) else low

    def is_high(self, track: Track) -> bool:
        """Whether a track was last found with a score that counts as found, not only as kept."""
        return track.score >= threshold_of(self._options.high_score, track.class_id)

    def _advance(self, at_s: float) -> None:
        if self._at_s is not None and at_s > self._at_s:
            self._filter.predict(at_s - self._at_s)
        self._at_s = at_s

    def _similarity(self, frame: _Frame) -> Values:
        """Overlap of every track with every detection of its class, (tracks, detections)."""
        similarity = pairwise_iou(self._filter.boxes, frame.boxes)
        ours = np.array([life.class_id for life in self._lives], int)
        theirs = np.array([item.class_id for item in frame.found], int)
        similarity[ours[:, None] != theirs[None, :]] = 0
        return similarity

    def _match(
        self,
        similarity: Values,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        least: float,
        frame: _Frame,
    ) -> NDArray[np.intp]:
        """Match tracks ``rows`` with detections ``columns``; the detections that are left."""
        if not len(rows) or not len(columns):
            return columns
        ones, others = assign(similarity[rows[:, None], columns], least)
        tracks, taken = rows[ones], columns[others]
        self._filter.correct(tracks, frame.boxes[taken])
        for track, detection in zip(tracks, taken, strict=True):
            life = self._lives[track]
            life.detection = item = frame.found[detection]
            life.hits += 1
            options = self._options
            life.high_frames |= item.score >= threshold_of(options.high_score, item.class_id)
            life.begin_frames |= item.score >= threshold_of(options.begin_score, item.class_id)
            life.sure |= self._is_sure(life)
            life.score = item.score
            if item.score > life.best.score:
                life.best = item
            life.seen_at_s = frame.at_s
            life.confirmed = life.confirmed or life.hits >= self._options.confirmations
        left = np.ones(len(columns), bool)
        left[others] = False
        remaining: NDArray[np.intp] = columns[left]
        return remaining

    def _is_sure(self, life: _Life) -> bool:
        """Whether so many frames of a window are sure, two of them enough to begin a track."""
        needed = self._options.confirmations
        return life.high_frames.bit_count() >= needed and life.begin_frames.bit_count() >= min(
            needed, BEGIN_FRAMES
        )

    def _keep(self, which: Iterable[bool]) -> None:
        """Go on with some of the tracks, and forget the others."""
        mask = np.fromiter(which, bool, len(self._lives))
        if not mask.all():
            self._lives = [life for life, kept in zip(self._lives, mask, strict=True) if kept]
            self._filter.keep(mask)

    def _begin(self, frame: _Frame, which: NDArray[np.intp]) -> None:
        if not len(which):
            return
        self._filter.add(frame.boxes[which])
        for number in which:
            item = frame.found[number]
            self._lives.append(
                _Life(
                    track_id=self._next_id,
                    class_id=item.class_id,
                    label=item.label,
                    score=item.score,
                    began_at_s=frame.at_s,
                    seen_at_s=frame.at_s,
                    confirmed=self._options.confirmations <= 1,
                    sure=self._options.confirmations <= 1,
                    detection=item,
                    best=item,
                )
            )
            self._next_id += 1

    def _shown_s(self, life: _Life) -> float:
        """So long after its last detection a track is still shown."""
        return self._options.lost_after_s if life.found else self._options.coast_s

    def _tracks(self, *, predicted: bool = False) -> list[Track]:
        assert self._at_s is not None
        boxes, velocities = self._filter.boxes.tolist(), self._filter.velocity[:, :2].tolist()
        return [
            Track(
                track_id=life.track_id,
                class_id=life.class_id,
                label=life.label,
                score=life.score,
                box=tuple(box),
                velocity=tuple(velocity),
                began_at_s=life.began_at_s,
                seen_at_s=life.seen_at_s,
                confirmed=life.confirmed,
                found=life.found and not predicted,
                shown=life.confirmed and self._at_s - life.seen_at_s <= self._shown_s(life),
                detection=None if predicted else life.detection,
                best=life.best,
                sure=life.sure,
            )
            for life, box, velocity in zip(self._lives, boxes, velocities, strict=True)
        ]
