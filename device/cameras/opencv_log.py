"""OpenCV's own log: what it says of cameras is said better by those who read them."""

from __future__ import annotations

from typing import Any

import cv2

ERRORS = 2  # LOG_LEVEL_ERROR of opencv2/core/utils/logger.defines.h


def log_errors_only() -> None:
    """Keep OpenCV's warnings off standard error.

    Up to 4.11 the function lies in ``cv2``, in 4.14 in ``cv2.utils.logging``; nobody has both.
    """
    library: Any = cv2
    owner = library if hasattr(library, "setLogLevel") else library.utils.logging
    owner.setLogLevel(ERRORS)
