"""Heads of a model: the tensors that hold what it found, and how they are laid out."""

from __future__ import annotations

from typing import Literal

from device.schema import Count, Index, Record

Dtype = Literal["float32", "float16", "uint8", "int8", "int16", "int32", "int64", "bool"]


class TensorSpec(Record, frozen=True):
    """One tensor: where it is, what it holds, and how its integers become real numbers.

    ``real = scale * (integer - zero_point)``; a float tensor has scale 0 and zero point 0.
    """

    position: Index  # in the interpreter's list of inputs or outputs
    shape: tuple[int, ...]
    dtype: Dtype
    scale: float = 0.0
    zero_point: int = 0


class SsdHead(Record, frozen=True, tag="ssd"):
    """The two outputs of one feature map.

    ``boxes`` holds (t_y, t_x, t_h, t_w) and ``scores`` one logit per class, for the anchors
    ``first_anchor`` to ``first_anchor + anchors``; both are read as (anchors, 4) and
    (anchors, classes) whatever their own shape.
    """

    boxes: TensorSpec
    scores: TensorSpec
    first_anchor: Index
    anchors: Count

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """All outputs this head reads."""
        return (self.boxes, self.scores)


class DetectionsHead(Record, frozen=True, tag="detections"):
    """The outputs of a model that decodes and suppresses its boxes itself.

    A row per detection: ``boxes`` holds two corners, 0..1 of the input, in the order that the rule
    says, ``classes`` the class id as a whole number and ``scores`` its probability. Rows from the
    number in ``count`` on mean nothing; without it all are meant. This is what the operator
    TFLite_Detection_PostProcess writes.
    """

    boxes: TensorSpec
    classes: TensorSpec
    scores: TensorSpec
    count: TensorSpec | None = None

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """All outputs this head reads."""
        rows = (self.boxes, self.classes, self.scores)
        return rows if self.count is None else (*rows, self.count)


class DenseHead(Record, frozen=True, tag="dense"):
    """The outputs of a model that has decoded its boxes, a candidate each, but not suppressed them.

    Where both are the same tensor, as YOLO's, a candidate's values are its box, then perhaps an
    objectness, then a score per class, then perhaps others; else ``scores`` holds the scores alone.
    Where the model answers with its ``anchors`` too, corners x_min, y_min, x_max, y_max, 0..1 of
    the input, a box is how far its corners are from its anchor's, in widths and heights of that.
    """

    boxes: TensorSpec
    scores: TensorSpec
    anchors: TensorSpec | None = None

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """All outputs this head reads."""
        both = (self.boxes,) if self.boxes == self.scores else (self.boxes, self.scores)
        return both if self.anchors is None else (*both, self.anchors)


class RowsHead(Record, frozen=True, tag="rows"):
    """The one output of a YOLO that suppresses its boxes itself.

    Six values a detection: x_min, y_min, x_max, y_max, score, class id; rows of zeros mean none.
    """

    rows: TensorSpec

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """All outputs this head reads."""
        return (self.rows,)


class ClassifierHead(Record, frozen=True, tag="classifier"):
    """The one output of a classifier, a score per class."""

    scores: TensorSpec

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """All outputs this head reads."""
        return (self.scores,)


Head = SsdHead | DetectionsHead | DenseHead | RowsHead | ClassifierHead
