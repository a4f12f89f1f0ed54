"""Decoder rules: what must be known of a model's heads besides their tensors."""

from __future__ import annotations

from typing import Literal

from device.schema import Count, Fraction, Index, Record


class SsdRule(Record, frozen=True, tag="ssd", omit_defaults=True):
    """What the decoder of a detector must know besides its tensors.

    ``anchors`` names a file of the bundle, float32 (count, 4): centre_y, centre_x, height,
    width, 0..1 of the input. ``box_scales`` are the factors (y, x, h, w) that box encodings
    were multiplied with in training. Scores are probabilities, or logits that the logistic
    function makes probabilities. Class ``background`` is never reported; boxes of one class that
    overlap by more than ``iou_threshold`` are one object. With ``box_voting`` its box is a weighted
    mean of these, as :func:`device.inference.candidates.vote` has it; without, the best one's.
    """

    anchors: str
    box_scales: tuple[float, float, float, float]
    background: Index | None
    iou_threshold: Fraction
    score: Literal["probability", "logit"] = "logit"
    box_voting: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be divided by in float32."""
        if not all(1e-3 <= scale <= 1e6 for scale in self.box_scales):
            raise ValueError(f"Expected `box_scales` 0.001 to 1000000, got {self.box_scales}")


Corners = Literal["yxyx", "xyxy"]
"""Of a box: which corner values come first, y_min, x_min, y_max, x_max or x_min, y_min, ..."""


class DetectionsRule(Record, frozen=True, tag="detections", omit_defaults=True):
    """A detector that leaves nothing to decode but the order of its corners."""

    box: Corners = "yxyx"


Units = Literal["fraction", "pixels", "either"]
"""Of boxes: 0..1 of the input, its pixels, or to be told by whether any is larger than 2."""


class DenseRule(Record, frozen=True, tag="dense"):
    """What the decoder of a :class:`DenseHead` must know besides its tensors.

    ``box`` is what four values a box has: centre_x, centre_y, width, height (xywh); corners
    (xyxy); or corners with y first (yxyx). ``candidates`` says whether each is a row of the tensor
    or a column. A score is the class's, times the ``objectness`` where there is one.

    Where there are ``cells``, x and y are measured from the middle of a candidate's cell: for each
    feature map the side of its cells in pixels of the input, and how many candidates each has. Maps
    follow one another, their cells row by row.
    """

    classes: Count
    box: Literal["xywh", "xyxy", "yxyx"]
    units: Units
    iou_threshold: Fraction
    candidates: Literal["rows", "columns"] = "rows"
    objectness: bool = False
    score: Literal["probability", "logit"] = "probability"
    background: Index | None = None  # a class that is never reported
    cells: tuple[tuple[Count, Count], ...] = ()

    def __post_init__(self) -> None:
        """Refuse cells of what is not measured in pixels from a middle."""
        if self.cells and (self.box, self.units) != ("xywh", "pixels"):
            raise ValueError("Expected `cells` with boxes of centre and size in pixels alone")


class RowsRule(Record, frozen=True, tag="rows"):
    """What the decoder of a :class:`RowsHead` must know: the units of its boxes."""

    units: Units


class ClassifierRule(Record, frozen=True, tag="classifier"):
    """What the decoder of a classifier must know: scores are probabilities, or logits.

    ``binary`` and ``binary-logit`` are the same of one output that tells two classes apart: the
    probability of the second.
    """

    score: Literal["probability", "logit", "binary", "binary-logit"] = "probability"
    background: Index | None = None  # a class that is never reported
    top: Count = 5  # how many classes are reported


Rule = SsdRule | DetectionsRule | DenseRule | RowsRule | ClassifierRule
