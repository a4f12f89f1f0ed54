"""The pictures that tell the quantiser which values to expect."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.catalogue import catalogue
from convert.errors import CalibrationError
from device.camera import list_pictures, read_picture
from device.errors import SourceError
from device.manifest import InputRule, TensorSpec
from device.preprocess import Preprocessor
from device.records import Pixels


def calibration_pictures(
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
        return [photographs.path(picture) for picture in photographs.pictures][:samples]
    if not folder.is_dir():
        raise CalibrationError(f"--calibration {folder}: no such folder")
    candidates = list_pictures(folder)
    random.Random(seed).shuffle(candidates)
    chosen: list[Path] = []
    for path in candidates:
        if len(chosen) == samples:
            break
        try:
            pixels = read_picture(path)
        except SourceError as exc:
            warn(f"skipped: {exc}")
            continue
        if look is not None:
            look(path, pixels)
        chosen.append(path)
    if not chosen:
        raise CalibrationError(f"--calibration {folder}: no pictures in it that can be read")
    return chosen


def representative_dataset(
    pictures: list[Path], rule: InputRule, input_name: str
) -> Callable[[], Iterator[dict[str, NDArray[np.float32]]]]:
    """The converter's generator of inputs: preprocessed by the code the camera goes through."""
    shape = (1, rule.height, rule.width, 3)

    def generate() -> Iterator[dict[str, NDArray[np.float32]]]:
        preprocess = Preprocessor(rule, TensorSpec(position=0, shape=shape, dtype="float32"))
        for path in pictures:
            tensor = np.empty(shape, np.float32)
            preprocess(read_picture(path), tensor)
            yield {input_name: tensor}

    return generate
