"""Calibration images: pictures that tell the quantiser which values to expect."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.catalogue import catalogue
from convert.errors import CalibrationError
from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.errors import SourceError
from device.images import find_images, read_image
from device.inference.preprocess import Preprocessor, byte_table
from device.records import Pixels


def require_folder(folder: Path) -> None:
    """Raise :class:`CalibrationError` where ``folder``, of calibration images, is none."""
    if not folder.is_dir():
        raise CalibrationError(f"--calibration {folder}: no such folder")


def calibration_images(
    folder: Path | None,
    samples: int,
    seed: int,
    warn: Callable[[str], None],
    look: Callable[[Path, Pixels], None] | None = None,
) -> list[Path]:
    """Which pictures to calibrate on, in the order they are used.

    From ``folder``, ``samples`` of its readable pictures, drawn by ``seed``; without a folder,
    the catalogue's photographs. ``warn`` hears of pictures passed over; ``look`` gets to see
    each chosen one of ``folder``, which is decoded here to know that it can be. Raises
    :class:`CalibrationError` where none can be read.
    """
    if folder is None:
        photographs = catalogue().calibration["photographs"]
        return [photographs.path(image) for image in photographs.images][:samples]
    require_folder(folder)
    found = find_images(folder)
    if found.passed_over:
        warn(f"{folder}: {len(found.files)} pictures{found.besides()}")
    candidates = found.files
    random.Random(seed).shuffle(candidates)
    chosen: list[Path] = []
    for path in candidates:
        if len(chosen) == samples:
            break
        try:
            pixels = read_image(path)
        except SourceError as exc:
            warn(f"skipped: {exc}")
            continue
        if look is not None:
            look(path, pixels)
        chosen.append(path)
    if not chosen:
        raise CalibrationError(f"--calibration {folder}: no pictures in it that can be read")
    return chosen


class CalibrationInputs:
    """Pictures as the converter wants them, preprocessed by the code the camera goes through.

    Each is decoded once, and kept as bytes of the input's size: a quarter of its tensor.
    """

    def __init__(self, rule: InputRule, input_name: str) -> None:
        self._input_name = input_name
        tensor = TensorSpec(position=0, shape=rule.shape, dtype="float32")
        self._table = byte_table(rule, tensor).reshape(1, 256, -1)  # as OpenCV wants it
        self._shape = rule.shape
        as_bytes = msgspec.structs.replace(rule, mean=0.0, std=1.0)
        self._fit = Preprocessor(as_bytes, msgspec.structs.replace(tensor, dtype="uint8"))
        self._fitted: dict[Path, Pixels] = {}

    def keep(self, path: Path, pixels: Pixels) -> None:
        """Take over a picture that was decoded already, uint8 (height, width, 3) BGR."""
        fitted = np.empty(self._shape, np.uint8)
        self._fit(pixels, fitted)
        self._fitted[path] = fitted[0]

    def dataset(
        self, images: Sequence[Path]
    ) -> Callable[[], Iterator[dict[str, NDArray[np.float32]]]]:
        """The converter's generator of inputs, which may be asked more than once."""

        def generate() -> Iterator[dict[str, NDArray[np.float32]]]:
            for path in images:
                if path not in self._fitted:
                    self.keep(path, read_image(path))
                tensor: NDArray[Any] = cv2.LUT(self._fitted[path], self._table)
                yield {self._input_name: tensor[np.newaxis]}

        return generate
