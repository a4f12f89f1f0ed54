"""Samples: the small pictures that travel with a bundle."""

from __future__ import annotations

from pathlib import Path

import cv2
import imutils

from convert.catalogue import catalogue
from device.bundle.manifest import Sample
from device.images import read_image
from device.records import Pixels

WIDEST = 640  # pixels: enough for a 300x300 network and for a demo, 30 to 80 KB each
JPEG_QUALITY = 90


def write_sample(path: Path, pixels: Pixels) -> None:
    """Write one picture as a JPEG that is small enough to travel."""
    if pixels.shape[1] > WIDEST:
        pixels = imutils.resize(pixels, width=WIDEST, inter=cv2.INTER_AREA)
    ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert ok, "OpenCV encodes any 8-bit picture"
    path.write_bytes(data.tobytes())


def write_samples(bundle: Path) -> list[Sample]:
    """Write the catalogue's photographs that show a class to ``bundle/samples``.

    Raises ``CalibrationError`` where they are not on this machine.
    """
    photographs = catalogue().calibration["photographs"]
    (bundle / "samples").mkdir()
    samples = []
    for photograph in photographs.images:
        if not photograph.shows:
            continue
        name = f"samples/{photograph.shows}.jpg"
        write_sample(bundle / name, read_image(photographs.path(photograph)))
        samples.append(
            Sample(
                file=name,
                title=photograph.title,
                licence=photograph.licence,
                source=photograph.source,
            )
        )
    return samples
