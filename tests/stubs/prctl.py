"""Stands in for python-prctl, which needs a Pi's headers to build; Picamera2 only imports it."""
