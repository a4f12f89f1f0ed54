"""The last activation of a classifier, read from its graph: what its scores are.

A softmax shares one between the classes; sigmoids score each class for itself, so that a picture
may show several; one unit is the probability, or the logit, of the second of two classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError

if TYPE_CHECKING:
    import tensorflow as tf

Score = Literal["probability", "logit", "binary", "binary-logit"]

_SUM_SLACK = 1e-3  # of 1, that float32's probabilities may add up to besides
# Operators that logits come from: sums, products, means. What they make is no probability, even
# where the pictures tried happen to give numbers within 0..1.
_LINEAR = frozenset({"AddV2", "AvgPool", "BiasAdd", "Conv2D", "MatMul", "Mean", "LogSoftmax"})
# What changes the form of scores, not their values.
_FORM = frozenset({"Cast", "Identity", "Reshape", "Squeeze"})
_UNFIT = {
    "Elu": "elu",
    "LeakyRelu": "leaky_relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
}


class ClassScores(NamedTuple):
    """What a row of scores is."""

    score: Score
    classes: int
    multi_label: bool = False  # each class for itself: all above the threshold are reported


def last_operator(tensor: tf.Tensor) -> str:
    """TensorFlow's name of the operator that computes ``tensor``."""
    operator = tensor.op
    while operator.type in _FORM:
        operator = operator.inputs[0].op
    return str(operator.type)


def score_kind(operator: str, scores: NDArray[np.float32]) -> ClassScores:
    """What the scores are that TensorFlow's ``operator`` makes.

    ``scores`` are answers to several pictures, (pictures, units). An operator that is no known
    activation is judged by them: they add up to 1, or lie within 0..1, or are logits. Raises
    ``ConversionError`` for an activation of which no score comes.
    """
    units = scores.shape[1]
    if operator in _UNFIT:
        raise ConversionError(
            f"the model ends in {_UNFIT[operator]}, expected scores: a softmax, a sigmoid, or "
            "logits without an activation; replace the last activation, or take it off"
        )
    if units == 1:
        if operator == "Softmax":
            raise ConversionError(
                "the model ends in a softmax over one unit, which is 1.0 whatever the picture "
                "shows; a classifier of one unit ends in a sigmoid"
            )
        return ClassScores("binary" if operator == "Sigmoid" else "binary-logit", classes=2)
    if operator == "Softmax":
        return ClassScores("probability", units)
    within = bool(scores.min() >= 0 and scores.max() <= 1)
    if operator == "Sigmoid":
        return ClassScores("probability", units, multi_label=True)
    if operator in _LINEAR or not within:
        return ClassScores("logit", units)
    shared = np.allclose(scores.sum(1), 1, atol=_SUM_SLACK)
    return ClassScores("probability", units, multi_label=not shared)
