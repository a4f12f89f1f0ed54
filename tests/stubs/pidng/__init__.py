"""Stands in for PiDNG, which writes raw pictures; Picamera2 only imports it."""
