"""Stands in for pykms, which draws on a Pi's screen; Picamera2 only imports it."""


class PixelFormat:
    """Names of formats, looked up when Picamera2 is imported."""

    RGB888 = BGR888 = XRGB8888 = XBGR8888 = YUV420 = YVU420 = NV12 = None
