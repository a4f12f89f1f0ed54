"""Options of a tracker: how sure a detection must be, and how long a track lives without one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from device.bundle.manifest import Threshold
from device.inference.thresholds import changed
from device.tracking.kalman import MotionNoise

BEGIN_MARGIN = 0.4  # of the way from the threshold to 1: so sure a detection begins a track
LOW_SHARE = 0.2  # of the threshold: so unsure a one may keep it


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerOptions:
    """When tracks begin, what keeps them, and when they end."""

    # Each one number, or one for each class id.
    begin_score: Threshold = 0.7  # from here on a detection may begin a track
    high_score: Threshold = 0.5  # from here on it is matched with all tracks
    low_score: Threshold = 0.1  # from here on it may keep one
    least_similarity: float = 0.2  # overlap times score, of a sure detection and a track
    least_overlap: float = 0.4  # of an unsure one
    confirmations: int = 3  # frames on which a track is found, of
    window: int = 5  # so many since it began, and it is confirmed
    lost_after_s: float = 2.0  # without a detection; what is not confirmed ends after the window
    unsure_within_s: float = 0.2  # so long after its last detection an unsure one keeps a track
    coast_s: float = 0.05  # so long a track that is not found is shown where it should be
    noise: MotionNoise = field(default_factory=MotionNoise)

    def at_threshold(self, threshold: Threshold) -> TrackerOptions:
        """These with detections from ``threshold`` on for sure ones, other limits in proportion.

        It is one number, or one for each class id. A half stands for the scores above.
        """
        return replace(
            self,
            begin_score=changed(threshold, lambda score: score + (1 - score) * BEGIN_MARGIN),
            high_score=threshold,
            low_score=changed(threshold, lambda score: score * LOW_SHARE),
        )
