"""From camera pixels to the input tensor: the only code that does it.

Calibration, parity, evaluation and the live camera all come through here, so that they see
the same pixels. A picture is resized, its channels reordered, and then each byte is looked
up in a table of 256 entries that holds normalisation and quantisation together: what an
input byte becomes is computed once, exactly, when the model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from device.manifest import InputRule, TensorSpec
from device.records import Pixels, Tensor


@dataclass(frozen=True, slots=True)
class Placement:
    """How a frame was fitted into the model's input.

    ``input = (source - offset) * scale``, per axis; all but the scale in source pixels.
    """

    scale_x: float
    scale_y: float
    source_width: int
    source_height: int
    offset_x: int = 0
    offset_y: int = 0

    @classmethod
    def of(cls, rule: InputRule, source_wh: tuple[int, int]) -> Placement:
        """Where a frame of ``source_wh`` pixels goes by ``rule``."""
        width, height = source_wh
        if rule.resize == "stretch":
            return cls(rule.width / width, rule.height / height, width, height)
        # The largest rectangle of the input's shape, and the wanted part of it.
        fraction = rule.crop_fraction / max(rule.width / width, rule.height / height)
        crop_width = max(1, round(rule.width * fraction))
        crop_height = max(1, round(rule.height * fraction))
        return cls(
            rule.width / crop_width,
            rule.height / crop_height,
            width,
            height,
            (width - crop_width) // 2,
            (height - crop_height) // 2,
        )

    def view(self, pixels: Pixels, rule: InputRule) -> Pixels:
        """The part of a frame that the model sees; not a copy."""
        right = self.offset_x + round(rule.width / self.scale_x)
        bottom = self.offset_y + round(rule.height / self.scale_y)
        return pixels[self.offset_y : bottom, self.offset_x : right]

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from input pixels to source pixels and clip them to the frame.

        ``boxes``: float32 (count, 4), columns x_min, y_min, x_max, y_max. Returns a new array.
        """
        scale = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        limit = np.array([self.source_width, self.source_height] * 2, np.float32)
        offset = np.array([self.offset_x, self.offset_y] * 2, np.float32)
        return np.clip(boxes / scale + offset, 0.0, limit)


def round_up(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest integers, halves upwards; a hair below a half counts as one.

    The hair is what a scale loses by being stored as float32.
    """
    rounded: NDArray[np.float64] = np.floor(values + (0.5 + 1e-4))
    return rounded


def byte_table(rule: InputRule, spec: TensorSpec) -> Tensor:
    """What each of the 256 byte values becomes in the input tensor ``spec``.

    Returns (256,) of the tensor's dtype. Integers follow TFLite's affine quantisation,
    ``q = round(value / scale) + zero_point`` saturated to the type
    (Jacob et al. 2018, arXiv:1712.05877, equation 1); float types get the value itself.

    Where normalisation is symmetric, -1..1 over 256 bytes, every value lies exactly between two
    integers. All are rounded up, so that 256 bytes stay 256 values (for uint8 the byte itself);
    rounding half to even would merge them in pairs, a bit of every pixel lost.
    """
    value = (np.arange(256, dtype=np.float64) - rule.mean) / rule.std
    dtype = np.dtype(spec.dtype)
    if not np.issubdtype(dtype, np.integer):
        return value.astype(dtype)
    limits = np.iinfo(dtype)
    quantised = round_up(value / spec.scale) + spec.zero_point
    table: Tensor = np.clip(quantised, limits.min, limits.max).astype(dtype)
    return table


class Preprocessor:
    """Fills input tensors from frames; keeps its scratch picture between frames."""

    def __init__(self, rule: InputRule, spec: TensorSpec) -> None:
        self.rule = rule
        table = byte_table(rule, spec)
        same = table.dtype == np.uint8 and np.array_equal(table, np.arange(256))
        self._table = None if same else table
        self._scratch = np.empty((rule.height, rule.width, 3), np.uint8)

    def __call__(self, pixels: Pixels, tensor: Tensor) -> Placement:
        """Write ``pixels`` (uint8 BGR) into ``tensor`` ((1, height, width, 3), in place)."""
        rule = self.rule
        scratch, target = self._scratch, tensor[0]
        placement = Placement.of(rule, (pixels.shape[1], pixels.shape[0]))
        seen = placement.view(pixels, rule)
        cv2.resize(seen, (rule.width, rule.height), dst=scratch, interpolation=cv2.INTER_LINEAR)
        if self._table is None:
            cv2.cvtColor(scratch, cv2.COLOR_BGR2RGB, dst=target)
        else:
            cv2.cvtColor(scratch, cv2.COLOR_BGR2RGB, dst=scratch)
            cv2.LUT(scratch, self._table, dst=target)
        return placement
