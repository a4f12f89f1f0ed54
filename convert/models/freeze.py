"""Frozen networks: one function whose weights are constants, the form that converts fastest.

Of a SavedModel as Keras exports it, TensorFlow's converter loads hundreds of objects, twice for
each variant, which takes longer than to convert it. One function is loaded in no time, and the
files made of it compute the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


class Frozen:
    """A function of one picture, float32 (1, height, width, 3), called ``image``.

    ``outputs`` are its tensors, symbolic, by name; ``parameters`` how many numbers its variables
    held.
    """

    def __init__(self, call: Callable[[Any], Mapping[str, Any]], size_hw: tuple[int, int]) -> None:
        """Freeze ``call``, which maps the picture to its outputs by name."""
        image = tf.TensorSpec((1, *size_hw, 3), tf.float32, name="image")
        traced = tf.function(call, input_signature=[image]).get_concrete_function()
        # TFLite has control flow of its own.
        self._graph = convert_variables_to_constants_v2(traced, lower_control_flow=False)
        names = sorted(traced.structured_outputs)  # as TensorFlow flattens a dictionary
        self.outputs: dict[str, tf.Tensor] = dict(zip(names, self._graph.outputs, strict=True))
        self.parameters = sum(int(np.prod(item.shape)) for item in traced.variables)

    def __call__(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """What it answers to one picture."""
        answer = self._pruned()(tf.constant(pixels))
        return {name: values.numpy() for name, values in answer.items()}

    def save(self, saved_model: Path) -> None:
        """Write it, to its present ``outputs``, as a SavedModel."""
        module = tf.Module()
        module.serve = self._pruned()
        tf.saved_model.save(module, str(saved_model), signatures=module.serve)

    @property
    def graph(self) -> tf.Graph:
        """Where new outputs can be computed from the present ones."""
        return self._graph.graph

    def _pruned(self) -> Any:
        return self._graph.prune(self._graph.inputs, self.outputs)


def before_softmax(tensor: tf.Tensor) -> tf.Tensor | None:
    """The logits of which ``tensor`` is the softmax; None where it is none."""
    operator = tensor.op
    while operator.type == "Identity":
        operator = operator.inputs[0].op
    return operator.inputs[0] if operator.type == "Softmax" else None
