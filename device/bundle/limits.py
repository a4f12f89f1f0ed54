"""Limits of what a manifest may ask for, also of flags, which are read before anything else is."""

from __future__ import annotations

MOST_DETECTIONS = 5000  # of one frame: more are no answer, and suppressing them takes minutes
