"""Statistics of one picture, as the tensor that calibration feeds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.image_hash import THUMBNAIL, difference_hash
from device.inference.preprocess import Preprocessor
from device.records import Pixels, Tensor

GREY_CHROMA = 0.02  # of the brightness range: JPEG's rounding on a grey picture

Problem = Literal["dtype", "shape", "not-finite", "range"]


@dataclass(frozen=True, slots=True)
class ImageStats:
    """Statistics of one picture: what the checks keep of it.

    ``problem`` is what makes the tensor unusable; the fields below it are then not filled.
    """

    name: str
    path: Path | None = None  # None where there was only a tensor
    problem: tuple[Problem, str] | None = None
    digest: bytes = b""  # of the tensor's bytes
    span: float = 0.0  # brightest minus darkest value, 1 being all of the rule's range
    grey: bool = False
    warmth: float = 0.0
    hash: int = 0


def warmth(thumbnail: NDArray[np.float32]) -> float:
    """How far a picture's hues lean to red rather than blue, -3..3; swapped channels negate it.

    ``thumbnail``: float32 (height, width, 3), RGB, 0..1. Skin, wood, earth and food are
    R > G > B, foliage is G > R > B, and their mirror images are rarer, sky and water
    notwithstanding. Each side is summed with its chroma as weight; the balance of foliage
    counts twice, for no common thing is G > B > R.
    """
    red, green, blue = (thumbnail[..., channel] for channel in range(3))
    chroma = thumbnail.max(axis=2) - thumbnail.min(axis=2)

    def weight(mask: NDArray[np.bool_]) -> float:
        return float(np.sum(chroma, where=mask) / chroma.size)

    leaf, teal = weight((green > red) & (red > blue)), weight((green > blue) & (blue > red))
    warm = leaf + weight((red >= green) & (green >= blue))
    cool = teal + weight((blue >= green) & (green >= red))
    # The constants keep hardly coloured pictures near 0 instead of taking sides by their noise.
    foliage: float = (leaf - teal) / (leaf + teal + 0.006)
    hue: float = (warm - cool) / (warm + cool + 0.02)
    return hue + 2 * foliage


def tensor_stats(
    name: str, tensor: Tensor, rule: InputRule, *, path: Path | None = None
) -> ImageStats:
    """What the lint needs to know of one input, which should be float32 (1, height, width, 3)."""
    if tensor.dtype != np.float32:
        return ImageStats(name, path, ("dtype", f"{tensor.dtype} where float32 is needed"))
    wanted = (1, rule.height, rule.width, 3)
    if tensor.shape != wanted:
        return ImageStats(name, path, ("shape", f"shape {tensor.shape} where {wanted} is needed"))
    least, greatest = float(tensor.min()), float(tensor.max())
    if not np.isfinite(least) or not np.isfinite(greatest):  # NaN survives min and max
        bad = int(np.count_nonzero(~np.isfinite(tensor)))
        return ImageStats(name, path, ("not-finite", f"{bad:,} values that are NaN or infinite"))
    low, high = rule.value_range
    level = (high - low) / 255
    if least < low - level / 2 or greatest > high + level / 2:
        detail = f"values {least:.4g} to {greatest:.4g} outside {low:.4g} to {high:.4g}"
        return ImageStats(name, path, ("range", detail))
    thumbnail = cv2.resize(tensor[0], (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    brightness = (thumbnail * rule.std + rule.mean).astype(np.float32) / 255
    chroma = brightness.max(axis=2) - brightness.min(axis=2)
    return ImageStats(
        name,
        path,
        digest=hashlib.blake2b(tensor.tobytes(), digest_size=16).digest(),
        span=(greatest - least) / (high - low),
        grey=float(chroma.max()) < GREY_CHROMA,
        warmth=warmth(brightness),
        hash=difference_hash(brightness),
    )


def image_stats(path: Path, pixels: Pixels, rule: InputRule) -> ImageStats:
    """Statistics of a decoded image, uint8 (height, width, 3) BGR, preprocessed by ``rule``."""
    tensor = np.empty((1, rule.height, rule.width, 3), np.float32)
    spec = TensorSpec(position=0, shape=tensor.shape, dtype="float32")
    Preprocessor(rule, spec)(pixels, tensor)
    return tensor_stats(path.name, tensor, rule, path=path)
