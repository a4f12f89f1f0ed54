"""Hints: what a user may say of a model that does not say it itself."""

from __future__ import annotations

from device.bundle.decoder_rules import Corners
from device.bundle.manifest import Resize, Task
from device.schema import Record


class Hints(Record, frozen=True):
    """The flags beside a bare ``.tflite``; None or empty where nothing was said."""

    task: Task | None = None
    outputs: tuple[
        str, ...
    ] = ()  # a role per output, in their order: see device.inspection.output_heads
    boxes: Corners | None = None  # the order of the corners, where the model decodes its boxes
    mean: tuple[float, ...] = ()  # normalised value = (byte - mean) / std
    std: tuple[float, ...] = ()  # one for all channels, or red, green and blue
    input_size: tuple[int, int] | None = None  # width and height, where the model takes any
    resize: Resize | None = None  # how pictures were brought to its input's shape in training
    labels: str | None = None  # a file
    anchors: str | None = None  # a file, float32 (count, 4) as in a bundle
