"""Tracking: detections of successive frames joined into tracks, per class."""
