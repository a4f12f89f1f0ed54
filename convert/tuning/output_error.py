"""Output error: how far a candidate's raw outputs are from float32's; cheaper than accuracy."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.build.parity import real_outputs
from convert.output_capture import quiet
from device.bundle.decoder_rules import ClassifierRule, Rule, SsdRule
from device.bundle.heads import Head, SsdHead, TensorSpec
from device.errors import UsageError
from device.inference.interpreter import Interpreter
from device.inference.preprocess import round_up
from device.records import Tensor

BOX_WEIGHT = 0.01  # of a squared error of box encodings, beside one of probabilities
_FAINT = 1e-6  # the least probability that counts
_SUM_SLACK = 1e-3  # of 1, that float32's probabilities may add up to besides

Values = NDArray[np.float64]


class OutputError:
    """Compares candidates with ``float32`` on ``inputs``, float32 (pictures, height, width, 3).

    Of a detector: the squared error of all probabilities, and of the boxes of each anchor as far
    as float32 sees something there. Of a classifier: the Kullback-Leibler divergence of its
    probabilities, or of each where every class is scored for itself.
    Per picture, 0 being float32 itself. Raises ``UsageError`` for a model that decodes its boxes
    itself.
    """

    def __init__(
        self, float32: Path, heads: tuple[Head, ...], rule: Rule, inputs: NDArray[np.float32]
    ) -> None:
        if not isinstance(rule, SsdRule | ClassifierRule):
            raise UsageError("a model that decodes its boxes itself cannot be tuned")
        self._rule = rule
        self._inputs = inputs
        positions = {position: name for name, position in _open(float32).output_names().items()}
        self._pairs = [
            (positions[head.boxes.position], positions[head.scores.position])
            for head in heads
            if isinstance(head, SsdHead)
        ]
        self._reference = self._run(float32)

    def __call__(self, model: bytes) -> float:
        """Of a ``.tflite`` file. Raises ``InterpreterError`` where LiteRT refuses it."""
        with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
            file.write(model)
            file.flush()
            found = self._run(Path(file.name))
        if isinstance(self._rule, ClassifierRule):
            ((_, expected),) = self._reference.items()
            (said,) = found.values()
            return class_divergence(self._rule, expected, said)
        return self._of_boxes(self._rule, found)

    def _run(self, path: Path) -> dict[str, Values]:
        interpreter = _open(path)
        names = interpreter.output_names()
        kept: dict[str, list[Tensor]] = {name: [] for name in names}
        for image in self._inputs:
            interpreter.input_tensor()[...] = as_input(image, interpreter.input)
            interpreter.invoke()
            tensors = interpreter.output_tensors()
            for name, position in names.items():
                kept[name].append(tensors[position].copy())
            del tensors
        specs = {name: interpreter.outputs[position] for name, position in names.items()}
        real = real_outputs({name: np.stack(values) for name, values in kept.items()}, specs)
        return {name: values.astype(np.float64) for name, values in real.items()}

    def _of_boxes(self, rule: SsdRule, found: Mapping[str, Values]) -> float:
        total = 0.0
        count = len(self._inputs)
        for boxes, scores in self._pairs:
            offsets = (self._reference[boxes] - found[boxes]).reshape(count, -1, 4)
            anchors = offsets.shape[1]
            expected, said = (
                side[scores].reshape(count, anchors, -1) for side in (self._reference, found)
            )
            if rule.score == "logit":
                expected, said = _logistic(expected), _logistic(said)
            if rule.background is not None:
                expected = np.delete(expected, rule.background, axis=-1)
                said = np.delete(said, rule.background, axis=-1)
            total += float(((expected - said) ** 2).sum())
            total += BOX_WEIGHT * float(((offsets**2).sum(axis=-1) * expected.max(axis=-1)).sum())
        return total / count


def class_divergence(rule: ClassifierRule, expected: Values, said: Values) -> float:
    """How far ``said`` is from ``expected``, both (pictures, ...): nats per picture, least 0.

    The Kullback-Leibler divergence of the distribution over all classes, or where each is scored
    for itself the sum of that of each.
    """
    if rule.score == "logit":
        expected, said = _softmax(expected), _softmax(said)
    elif rule.score == "binary-logit":
        expected, said = _logistic(expected), _logistic(said)
    divergence = _divergence(expected, said)
    if rule.score.startswith("binary") or not _share_one(expected):
        divergence += _divergence(1 - expected, 1 - said)
    return divergence / len(expected)


def as_input(values: NDArray[np.float32], spec: TensorSpec) -> Tensor:
    """Normalised pixels as ``spec``'s tensor holds them, rounded as the device does."""
    if spec.scale == 0:
        return values.astype(spec.dtype)
    limits = np.iinfo(spec.dtype)
    steps = round_up(values.astype(np.float64) / spec.scale) + spec.zero_point
    return np.clip(steps, limits.min, limits.max).astype(spec.dtype)


def _open(path: Path) -> Interpreter:
    with quiet(debug=False):
        return Interpreter("litert", path, threads=1)


def _share_one(probabilities: Values) -> bool:
    """Whether those of a picture add up to 1."""
    sums = probabilities.reshape(len(probabilities), -1).sum(axis=1)
    return bool(np.abs(sums - 1).max() < _SUM_SLACK)


def _divergence(expected: Values, said: Values) -> float:
    ratio = np.log(np.maximum(expected, _FAINT) / np.maximum(said, _FAINT))
    return float((expected * ratio).sum())


def _logistic(values: Values) -> Values:
    result: Values = 1 / (1 + np.exp(-values))
    return result


def _softmax(values: Values) -> Values:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Values = powers / powers.sum(axis=-1, keepdims=True)
    return result
