"""Stands in for a module of PiDNG."""


class PICAM2DNG:
    """Imported, and never used here."""
