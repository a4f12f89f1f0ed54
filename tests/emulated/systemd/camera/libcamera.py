"""As much of libcamera as a run asks for directly."""


class Transform:
    """As libcamera's."""

    def __init__(self, hflip: bool = False, vflip: bool = False) -> None:
        self.hflip, self.vflip = hflip, vflip


class ColorSpace:
    """As libcamera's."""

    @staticmethod
    def Smpte170m() -> str:  # noqa: N802
        return "SMPTE170M"
