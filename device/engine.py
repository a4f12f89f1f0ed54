"""One variant of a bundle, ready to run: frame in, detections out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from device.bundle import Bundle
from device.closable import Closable
from device.decode import Candidates, make_decoder
from device.errors import BundleError
from device.interpreter import Interpreter, choose_interpreter, default_threads
from device.manifest import InputRule, InterpreterName, SsdRule
from device.preprocess import Placement, Preprocessor
from device.records import Classification, Detection, Frame, Result, Timings


def name_detections(
    found: Candidates, placement: Placement, rule: InputRule, labels: Sequence[str]
) -> tuple[Detection, ...]:
    """What a detector found, in source pixels and with its labels."""
    boxes = placement.to_source(found.boxes * ((rule.width, rule.height) * 2))
    return tuple(
        Detection(class_id, _label(labels, class_id), score, *box)
        for class_id, score, box in zip(
            found.class_ids.tolist(), found.scores.tolist(), boxes.tolist(), strict=True
        )
    )


def name_classes(found: Candidates, labels: Sequence[str]) -> tuple[Classification, ...]:
    """What a classifier found, with its labels."""
    return tuple(
        Classification(class_id, _label(labels, class_id), score)
        for class_id, score in zip(found.class_ids.tolist(), found.scores.tolist(), strict=True)
    )


def _label(labels: Sequence[str], class_id: int) -> str:
    return labels[class_id] if class_id < len(labels) else f"class {class_id}"


class Engine(Closable):
    """Preprocessing, interpreter and decoder of one variant, allocated once.

    ``interpreter`` is a name or ``"auto"``; ``threads`` None takes one per core, at most four;
    ``threshold`` None takes the bundle's. ``choice`` says why this interpreter runs.
    Not safe to share between threads.
    """

    def __init__(
        self,
        bundle: Bundle,
        variant: str | None = None,
        *,
        interpreter: InterpreterName | Literal["auto"] = "auto",
        threads: int | None = None,
        threshold: float | None = None,
    ) -> None:
        """Raises ``BundleError``, ``UsageError`` (unknown variant) or ``InterpreterError``."""
        manifest = bundle.manifest
        self.variant = variant or bundle.default_variant
        spec = bundle.variant(self.variant)
        self.choice = "asked for"
        if interpreter == "auto":
            interpreter, self.choice = choose_interpreter(spec.checks)
        model = bundle.file(spec.file)
        self.labels = bundle.labels
        self.threshold = manifest.threshold if threshold is None else threshold
        self.max_detections = manifest.max_detections
        self.task = manifest.task
        anchors = bundle.anchors if isinstance(manifest.decoder, SsdRule) else None
        self._decode = make_decoder(spec.heads, manifest.decoder, anchors)
        self._preprocess = Preprocessor(manifest.input, spec.input)
        self._rule = manifest.input
        self.interpreter = Interpreter(interpreter, model, threads or default_threads())
        described = {spec.input, *(tensor for head in spec.heads for tensor in head.tensors)}
        if not described <= {self.interpreter.input, *self.interpreter.outputs}:
            raise BundleError(f"{model}: its tensors are not those the manifest describes")
        rule = manifest.input
        if spec.input.shape != (1, rule.height, rule.width, 3):
            raise BundleError(
                f"{model}: its input is {spec.input.shape}, but the manifest has pictures of "
                f"{rule.width}x{rule.height}"
            )

    def run(self, frame: Frame) -> Result:
        """Detect or classify; boxes come back in the frame's pixels, best score first."""
        started = time.perf_counter()
        placement = self._preprocess(frame.pixels, self.interpreter.input_tensor())
        preprocessed = time.perf_counter()
        self.interpreter.invoke()
        invoked = time.perf_counter()
        found = self._decode(self.interpreter.output_tensors(), self.threshold, self.max_detections)
        classes: tuple[Classification, ...] | None = None
        detections: tuple[Detection, ...] = ()
        if self.task == "classification":
            classes = name_classes(found, self.labels)
        else:
            detections = name_detections(found, placement, self._rule, self.labels)
        decoded = time.perf_counter()
        timings = Timings(
            frame.capture_ms,
            (preprocessed - started) * 1e3,
            (invoked - preprocessed) * 1e3,
            (decoded - invoked) * 1e3,
        )
        return Result(frame.index, detections, timings, classes)

    def close(self) -> None:
        """Free the model's memory now, not when the last reference goes."""
        self.__dict__.pop("interpreter", None)
