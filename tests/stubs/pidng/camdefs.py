"""Stands in for a module of PiDNG."""


class Picamera2Camera:
    """Imported, and never used here."""
