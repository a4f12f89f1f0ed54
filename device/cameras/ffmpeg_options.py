"""Options of OpenCV's reader of videos and streams, FFmpeg, which not every OpenCV has."""

from __future__ import annotations

import cv2


def one_thread() -> list[int]:
    """Decode with one thread: pairs of a property and its value.

    More would each hold a few frames back, and the network needs the other cores. Empty before
    OpenCV 4.7, such as Debian Bookworm's 4.6, which refuses to open with what it does not know.
    """
    return [cv2.CAP_PROP_N_THREADS, 1] if hasattr(cv2, "CAP_PROP_N_THREADS") else []
