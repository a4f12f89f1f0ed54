"""As Picamera2's module of that name, where there is always a heap."""


class DmaHeap:
    """As Picamera2's."""

    def close(self) -> None:
        """Nothing is held."""
