"""Calibration images: which ones, whether they fit, and what the network sees of them."""
