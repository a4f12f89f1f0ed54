"""Preprocessing: from camera pixels to the input tensor; the only code that does it.

Calibration, parity, evaluation and the live camera all come through here, so that they see
the same pixels. A picture is resized, its channels reordered, and then each byte is looked
up in a table of 256 entries that holds normalisation and quantisation together: what an
input byte becomes is computed once, exactly, when the model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.records import Pixels, Tensor

LETTERBOX_GREY = 114  # of 255, around the picture


class Rectangle(NamedTuple):
    """A part of a picture, in whole pixels."""

    left: int
    top: int
    width: int
    height: int


def letterbox(rule: InputRule, source_wh: tuple[int, int]) -> Rectangle:
    """The part of the input that a frame of ``source_wh`` pixels fills, its sides in proportion.

    It lies in the middle; of an odd number of pixels around it, the smaller half comes first.
    """
    width, height = source_wh
    scale = min(rule.width / width, rule.height / height)
    inner_width = min(rule.width, max(1, round(width * scale)))
    inner_height = min(rule.height, max(1, round(height * scale)))
    left, top = (rule.width - inner_width) // 2, (rule.height - inner_height) // 2
    return Rectangle(left, top, inner_width, inner_height)


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of a frame the model's input shows, in source pixels, and where in the input."""

    left: int
    top: int
    width: int
    height: int
    source_width: int
    source_height: int
    # Left, top, width and height of the part of the input that shows it, 0..1.
    target: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    @classmethod
    def of(cls, rule: InputRule, source_wh: tuple[int, int]) -> Placement:
        """What is seen of a frame of ``source_wh`` pixels by ``rule``."""
        width, height = source_wh
        if rule.resize == "stretch":
            return cls(0, 0, width, height, width, height)
        if rule.resize == "letterbox":
            inner = letterbox(rule, source_wh)
            target = (
                inner.left / rule.width,
                inner.top / rule.height,
                inner.width / rule.width,
                inner.height / rule.height,
            )
            return cls(0, 0, width, height, width, height, target)
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
    left, top, width, height = placement.target
    whole_width, whole_height = placement.width / width, placement.height / height
    pairs = (
        (whole_width, whole_height),
        (placement.left - left * whole_width, placement.top - top * whole_height),
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
        self._scratch = np.full((rule.height, rule.width, 3), LETTERBOX_GREY, np.uint8)
        self._target = Rectangle(0, 0, rule.width, rule.height)
        self._plane = np.empty((rule.height, rule.width), np.uint8)
        if rule.colour == "grey":
            self._fill = self._grey
        else:
            self._fill = self._planar if rule.layout == "nchw" else self._interleaved

    def __call__(self, pixels: Pixels, tensor: Tensor) -> Placement:
        """Write ``pixels`` (uint8 BGR) into ``tensor`` (of the rule's shape, in place)."""
        rule = self.rule
        placement = Placement.of(rule, (pixels.shape[1], pixels.shape[0]))
        seen = placement.view(pixels)
        if rule.resize == "letterbox":
            self._aim(letterbox(rule, (pixels.shape[1], pixels.shape[0])))
        left, top, width, height = self._target
        cv2.resize(
            seen,
            (width, height),
            dst=self._scratch[top : top + height, left : left + width],
            interpolation=cv2.INTER_LINEAR,
        )
        self._fill(tensor[0])
        return placement

    def _aim(self, target: Rectangle) -> None:
        """Have the next picture fill ``target`` alone, grey around it."""
        if target != self._target:
            self._scratch[...] = LETTERBOX_GREY
            self._target = target

    def _grey(self, target: Tensor) -> None:
        plane = target.reshape(self._plane.shape)  # a view: it has one channel
        if self._flip is not None:
            cv2.cvtColor(self._scratch, cv2.COLOR_BGR2GRAY, dst=plane.view(np.uint8))
            self._flip_bit(plane)
        else:
            cv2.cvtColor(self._scratch, cv2.COLOR_BGR2GRAY, dst=self._plane)
            cv2.LUT(self._plane, self._planes[0], dst=plane)

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
