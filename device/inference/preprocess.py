"""From camera pixels to the input tensor: the only code that does it.

Calibration, parity, evaluation and the live camera all come through here, so that they see
the same pixels. A picture is resized, its channels reordered, and then each byte is looked
up in a table of 256 entries that holds normalisation and quantisation together: what an
input byte becomes is computed once, exactly, when the model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import InputRule, TensorSpec
from device.records import Pixels, Tensor


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of a frame the model's input shows, all in source pixels."""

    left: int
    top: int
    width: int
    height: int
    source_width: int
    source_height: int

    @classmethod
    def of(cls, rule: InputRule, source_wh: tuple[int, int]) -> Placement:
        """What is seen of a frame of ``source_wh`` pixels by ``rule``."""
        width, height = source_wh
        if rule.resize == "stretch":
            return cls(0, 0, width, height, width, height)
        # The largest rectangle of the input's shape, and the wanted part of it.
        fraction = rule.crop_fraction / max(rule.width / width, rule.height / height)
        seen_width = max(1, round(rule.width * fraction))
        seen_height = max(1, round(rule.height * fraction))
        left, top = (width - seen_width) // 2, (height - seen_height) // 2
        return cls(left, top, seen_width, seen_height, width, height)

    def view(self, pixels: Pixels) -> Pixels:
        """The part of a frame that the model sees; not a copy."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from 0..1 of the input to source pixels and clip them to the frame.

        ``boxes``: float32 (count, 4), columns x_min, y_min, x_max, y_max. Returns a new array.
        """
        size, offset, limit = _corners(self)
        sides: NDArray[np.float32] = boxes * size + offset
        np.maximum(sides, 0.0, out=sides)  # np.clip takes twice as long for a few boxes
        return np.minimum(sides, limit, out=sides)


@lru_cache(maxsize=4)  # a camera's frames are all of one size
def _corners(placement: Placement) -> tuple[NDArray[np.float32], ...]:
    """Size, offset and limit of a box's four sides."""
    pairs = (
        (placement.width, placement.height),
        (placement.left, placement.top),
        (placement.source_width, placement.source_height),
    )
    return tuple(np.array(pair * 2, np.float32) for pair in pairs)


def round_up(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest integers, halves upwards; a hair below a half counts as one.

    The hair is what a scale loses by being stored as float32.
    """
    rounded: NDArray[np.float64] = np.floor(values + (0.5 + 1e-4))
    return rounded


def byte_table(rule: InputRule, spec: TensorSpec) -> Tensor:
    """What each of the 256 byte values becomes in the input tensor ``spec``.

    Returns (256,) of the tensor's dtype, or (256, 3) where the channels differ. Integers follow
    TFLite's affine quantisation, ``q = round(value / scale) + zero_point`` saturated to the type
    (Jacob et al. 2018, arXiv:1712.05877, equation 1); float types, and integers without a scale,
    get the value itself.

    Where normalisation is symmetric, -1..1 over 256 bytes, every value lies exactly between two
    integers. All are rounded up, so that 256 bytes stay 256 values (for uint8 the byte itself);
    rounding half to even would merge them in pairs, a bit of every pixel lost.
    """
    byte = np.arange(256, dtype=np.float64)[:, np.newaxis]
    value: NDArray[np.float64] = (byte - np.array(rule.means)) / np.array(rule.stds)
    if (value == value[:, :1]).all():
        value = value[:, 0]
    dtype = np.dtype(spec.dtype)
    if not np.issubdtype(dtype, np.integer):
        return value.astype(dtype)
    limits = np.iinfo(dtype)
    quantised = round_up(value / (spec.scale or 1.0)) + spec.zero_point
    table: Tensor = np.clip(quantised, limits.min, limits.max).astype(dtype)
    return table


class Preprocessor:
    """Fills input tensors from frames; keeps its scratch pictures between frames."""

    def __init__(self, rule: InputRule, spec: TensorSpec) -> None:
        self.rule = rule
        table = byte_table(rule, spec)
        # What most quantised networks take: the byte itself, as uint8 or less 128 as int8, which
        # differs in the highest bit. A table would take as long as all the rest.
        self._flip = {"uint8": 0, "int8": 0x80}.get(table.dtype.name)
        if self._flip is not None and np.any(table.view(np.uint8).T ^ self._flip != np.arange(256)):
            self._flip = None
        self._table = table.reshape(1, 256, -1)  # as OpenCV wants one per channel
        self._planes = [np.ascontiguousarray(plane) for plane in np.broadcast_to(table.T, (3, 256))]
        self._scratch = np.empty((rule.height, rule.width, 3), np.uint8)
        self._plane = np.empty((rule.height, rule.width), np.uint8)
        self._fill = self._planar if rule.layout == "nchw" else self._interleaved

    def __call__(self, pixels: Pixels, tensor: Tensor) -> Placement:
        """Write ``pixels`` (uint8 BGR) into ``tensor`` (of the rule's shape, in place)."""
        rule = self.rule
        placement = Placement.of(rule, (pixels.shape[1], pixels.shape[0]))
        seen = placement.view(pixels)
        cv2.resize(
            seen, (rule.width, rule.height), dst=self._scratch, interpolation=cv2.INTER_LINEAR
        )
        self._fill(tensor[0])
        return placement

    def _interleaved(self, target: Tensor) -> None:
        if self._flip is not None:
            cv2.cvtColor(self._scratch, cv2.COLOR_BGR2RGB, dst=target.view(np.uint8))
            self._flip_bit(target)
        else:
            cv2.cvtColor(self._scratch, cv2.COLOR_BGR2RGB, dst=self._scratch)
            cv2.LUT(self._scratch, self._table, dst=target)

    def _planar(self, target: Tensor) -> None:
        for channel, table, plane in zip((2, 1, 0), self._planes, target, strict=True):
            if self._flip is not None:
                cv2.extractChannel(self._scratch, channel, dst=plane.view(np.uint8))
                self._flip_bit(plane)
            else:
                cv2.extractChannel(self._scratch, channel, dst=self._plane)
                cv2.LUT(self._plane, table, dst=plane)

    def _flip_bit(self, target: Tensor) -> None:
        if self._flip:
            stored = target.view(np.uint8)
            np.bitwise_xor(stored, np.uint8(self._flip), out=stored)
