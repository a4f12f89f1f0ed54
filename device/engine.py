"""One variant of a bundle, ready to run: frame in, detections out."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Literal

from device.bundle import Bundle
from device.decode import SsdDecoder
from device.errors import BundleError
from device.interpreter import Interpreter, choose_interpreter, default_threads
from device.manifest import InterpreterName
from device.preprocess import Preprocessor
from device.records import Detection, Frame, Result, Timings


class Engine:
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
        self._decode = SsdDecoder(spec.heads, bundle.anchors, manifest.decoder)
        self._preprocess = Preprocessor(manifest.input, spec.input)
        self._input_scale = (manifest.input.width, manifest.input.height) * 2
        self.interpreter = Interpreter(interpreter, model, threads or default_threads())
        described = {spec.input, *(t for head in spec.heads for t in (head.boxes, head.scores))}
        if not described <= {self.interpreter.input, *self.interpreter.outputs}:
            raise BundleError(f"{model}: its tensors are not those the manifest describes")

    def run(self, frame: Frame) -> Result:
        """Detect on one frame; boxes come back in the frame's pixels, best score first."""
        started = time.perf_counter()
        placement = self._preprocess(frame.pixels, self.interpreter.input_tensor())
        preprocessed = time.perf_counter()
        self.interpreter.invoke()
        invoked = time.perf_counter()
        found = self._decode(self.interpreter.output_tensors(), self.threshold, self.max_detections)
        boxes = placement.to_source(found.boxes * self._input_scale)
        detections = tuple(
            Detection(class_id, self._label(class_id), score, *box)
            for class_id, score, box in zip(
                found.class_ids.tolist(), found.scores.tolist(), boxes.tolist(), strict=True
            )
        )
        decoded = time.perf_counter()
        timings = Timings(
            frame.capture_ms,
            (preprocessed - started) * 1e3,
            (invoked - preprocessed) * 1e3,
            (decoded - invoked) * 1e3,
        )
        return Result(frame.index, detections, timings)

    def _label(self, class_id: int) -> str:
        return self.labels[class_id] if class_id < len(self.labels) else f"class {class_id}"

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del self.interpreter  # frees the model's memory now, not when the last reference goes
