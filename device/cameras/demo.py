"""The demo camera: a view that pans and zooms over the bundle's sample images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np

from device.cameras.base import DEFAULTS, Camera, CameraOptions, CameraRequest, Shot
from device.errors import SourceError
from device.images import read_image
from device.records import Pixels

SIZE_WH = (640, 480)
FRAMES_PER_SAMPLE = 75  # 2.5 seconds
FPS = 30.0


class DemoCamera(Camera):
    """A view that pans and zooms over images, one after the other, without end.

    The same images and seed give the same frames. Frames are 640x480 where no other size is
    asked for, to be shown at 30/s.
    """

    fps = FPS

    def __init__(self, images: list[Pixels], options: CameraOptions = DEFAULTS) -> None:
        """``images``: uint8 BGR, of any size; raises ``SourceError`` for none."""
        super().__init__(options)
        if not images:
            raise SourceError(
                "this model has no sample pictures for the demo to show; "
                "give --source a camera, a video or a folder of pictures"
            )
        size_wh = options.size_wh or SIZE_WH
        self._views = _wander(images, size_wh, np.random.default_rng(options.seed))

    @classmethod
    def from_request(cls, request: CameraRequest) -> Camera:
        """The demo over ``samples``."""
        return cls([read_image(path) for path in request.samples], request.options)

    def _read(self) -> Shot | None:
        return Shot(next(self._views))


def _wander(
    images: list[Pixels], size_wh: tuple[int, int], random: np.random.Generator
) -> Iterator[Pixels]:
    while True:
        for image in images:
            height, width = image.shape[:2]
            # The widest view of the frame's shape that fits, then a little closer.
            widest = min(width, height * size_wh[0] / size_wh[1])
            ends = []
            for zoom in random.permutation((0.8, 1.0)):
                view_width = widest * zoom
                view_height = view_width * size_wh[1] / size_wh[0]
                x, y = random.random(2) * (width - view_width, height - view_height)
                ends.append((x, y, view_width / size_wh[0]))
            for start, end in pairwise(ends):
                for progress in np.linspace(0, 1, FRAMES_PER_SAMPLE):
                    eased = progress * progress * (3 - 2 * progress)
                    x, y, scale = np.add(start, np.subtract(end, start) * eased)
                    matrix = np.array([[scale, 0, x], [0, scale, y]])
                    yield np.asarray(
                        cv2.warpAffine(
                            image,
                            matrix,
                            size_wh,
                            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                            borderMode=cv2.BORDER_REPLICATE,
                        ),
                        np.uint8,
                    )
