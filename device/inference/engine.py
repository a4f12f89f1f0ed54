"""The engine: one variant of a bundle, ready to run; frame in, detections out."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from device.bundle.labels import class_ids
from device.bundle.manifest import Threshold
from device.bundle.model import Model
from device.errors import BundleError
from device.inference.candidates import Candidates
from device.inference.decode import make_decoder
from device.inference.delegates import delegate_for
from device.inference.interpreter import Interpreter, choose_interpreter
from device.inference.preprocess import Placement, Preprocessor
from device.inference.tensor_copy import copy_into, copy_of
from device.inference.thresholds import changed, least_scores
from device.records import Classification, Detection, Frame, Result, Tensor, Timings
from device.runtimes import InterpreterName, default_threads
from device.system.closable import Closable

MAX_CANDIDATES = 1000  # considered where only some classes are wanted

Found = tuple[tuple[Detection, ...], tuple[Classification, ...] | None]


def in_source(found: Candidates, placement: Placement) -> Candidates:
    """``found`` with its boxes in source pixels."""
    return Candidates(placement.to_source(found.boxes), found.scores, found.class_ids)


def name_detections(found: Candidates, labels: Sequence[str]) -> tuple[Detection, ...]:
    """What a detector found, its boxes in source pixels, with its labels."""
    return tuple(
        Detection(class_id, _label(labels, class_id), score, *box)
        for class_id, score, box in zip(
            found.class_ids.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True
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
    ``threshold`` and ``max_detections`` None take the bundle's, which may have a threshold for
    each class; ``delegate`` None takes the one that a compiled variant was compiled for; ``choice``
    says why this interpreter runs.
    Each step (:meth:`prepare`, :meth:`invoke`, :meth:`find`) belongs to one thread at a time.
    """

    def __init__(
        self,
        bundle: Model,
        variant: str | None = None,
        *,
        interpreter: InterpreterName | Literal["auto"] = "auto",
        threads: int | None = None,
        threshold: float | None = None,
        max_detections: int | None = None,
        delegate: str | None = None,
    ) -> None:
        """Raises ``BundleError``, ``UsageError`` (unknown variant) or ``InterpreterError``."""
        manifest = bundle.manifest
        self.variant = variant or bundle.default_variant
        spec = bundle.variant(self.variant)
        self.choice = "asked for"
        if interpreter == "auto":
            interpreter, self.choice = choose_interpreter(spec.checks)
        self.model = model = bundle.file(spec.file)
        self.labels = bundle.labels
        self._threshold = manifest.threshold if threshold is None else threshold
        self._thresholds = manifest.thresholds(self.labels) if threshold is None else threshold
        self.max_detections = max_detections or manifest.max_detections
        self.task = manifest.task
        self._rule = rule = manifest.input
        if spec.input.shape != rule.shape:
            raise BundleError(
                f"{model}: its input is {spec.input.shape}, but the manifest has pictures of "
                f"{rule.width}x{rule.height}"
            )
        self.interpreter = Interpreter(
            interpreter,
            model,
            threads or default_threads(),
            spec.input.shape,
            delegate_for(delegate, spec.operators),
        )
        # Before anything is made as large as the manifest says.
        described = {spec.input, *(tensor for head in spec.heads for tensor in head.tensors)}
        if not described <= {self.interpreter.input, *self.interpreter.outputs}:
            raise BundleError(f"{model}: its tensors are not those the manifest describes")
        self._new_decoder = partial(
            make_decoder, spec.heads, manifest.decoder, bundle.anchors, rule.size_wh
        )
        self._new_preprocessor = partial(Preprocessor, rule, spec.input)
        self._decode = self._new_decoder()
        self._preprocess = self._new_preprocessor()
        self._wanted: NDArray[np.intp] | None = None

    def share(self) -> Self:
        """Another engine on the same interpreter, with thresholds and classes of its own.

        Threads that use both take turns at :meth:`prepare` into the network's input and
        :meth:`invoke`; all else is each engine's own.
        """
        other = copy.copy(self)
        other._decode, other._preprocess = self._new_decoder(), self._new_preprocessor()
        return other

    def run(self, frame: Frame) -> Result:
        """Detect or classify; boxes come back in the frame's pixels, best score first."""
        return self._run(frame, self._thresholds)

    def run_at(self, threshold: float, frame: Frame) -> Result:
        """As :meth:`run`, with another least score for this frame alone."""
        return self._run(frame, threshold)

    def _run(self, frame: Frame, thresholds: Threshold) -> Result:
        started = time.perf_counter()
        placement = self.prepare(frame)
        prepared = time.perf_counter()
        outputs = self._invoke_in_place()
        invoked = time.perf_counter()
        detections, classes = self._find(outputs, placement, thresholds)
        decoded = time.perf_counter()
        timings = Timings(
            frame.capture_ms,
            (prepared - started) * 1e3,
            (invoked - prepared) * 1e3,
            (decoded - invoked) * 1e3,
        )
        return Result(frame.index, detections, timings, classes)

    # What follows are the steps of `run`, for a pipeline that gives each a thread of its own.

    def new_input(self) -> Tensor:
        """A tensor like the network's input, for a frame to wait in."""
        spec = self.interpreter.input  # not a view: it may be running
        return np.empty(spec.shape, spec.dtype)

    def prepare(self, frame: Frame, into: Tensor | None = None) -> Placement:
        """Fit a frame into the network's input, or into a tensor like it that waits its turn."""
        target = self.interpreter.input_tensor() if into is None else into
        if frame.lores is None or self._rule.resize != "stretch":
            return self._preprocess(frame.pixels, target)
        self._preprocess(frame.lores, target)  # the same view, made small by the camera
        return Placement.of(self._rule, frame.size_wh)

    def invoke(self, prepared: Tensor | None = None) -> list[Tensor]:
        """Run the network on its input, or on ``prepared``; returns copies of its outputs."""
        if prepared is not None:
            copy_into(self.interpreter.input_tensor(), prepared)
        self.interpreter.invoke()
        return [copy_of(tensor) for tensor in self.interpreter.output_tensors()]

    def _invoke_in_place(self) -> Sequence[Tensor]:
        """Run the network on its input; the outputs are valid until the next invoke."""
        self.interpreter.invoke()
        return self.interpreter.output_tensors()

    def find_with_unsure(
        self, outputs: Sequence[Tensor], placement: Placement, least: float
    ) -> tuple[tuple[Detection, ...], tuple[Detection, ...]]:
        """A detector's as :meth:`find` has them, and those below that score at least ``least``.

        Decoded once: a lower threshold suppresses none of the better ones.
        """
        usual = self._thresholds
        lower = changed(usual, lambda threshold: min(threshold, least))
        found = self._candidates(outputs, placement, lower)
        # Scores are float32: so is what they are compared to, in decoding as here.
        is_sure = found.scores >= np.float32(least_scores(usual, found.class_ids))
        sure, unsure = (
            name_detections(found.only(which), self.labels) for which in (is_sure, ~is_sure)
        )
        return sure, unsure

    def find(self, outputs: Sequence[Tensor], placement: Placement) -> Found:
        """What the outputs say: detections in source pixels, and classes (of a classifier)."""
        return self._find(outputs, placement, self._thresholds)

    def _find(
        self, outputs: Sequence[Tensor], placement: Placement, thresholds: Threshold
    ) -> Found:
        # The thresholds are handed over: those in force may be changed by another thread.
        found = self._candidates(outputs, placement, thresholds)
        if self.task == "classification":
            return (), name_classes(found, self.labels)
        return name_detections(found, self.labels), None

    def _candidates(
        self, outputs: Sequence[Tensor], placement: Placement, thresholds: Threshold
    ) -> Candidates:
        """What the outputs say of the wanted classes, with boxes in source pixels."""
        wanted = self._wanted
        limit = self.max_detections if wanted is None else MAX_CANDIDATES
        found = self._decode(outputs, thresholds, limit)
        boxes, scores, ids = found.boxes, found.scores, found.class_ids
        if wanted is not None:
            kept = np.flatnonzero(np.isin(ids, wanted))[: self.max_detections]
            scores, ids = scores[kept], ids[kept]
            boxes = boxes if self.task == "classification" else boxes[kept]
        return in_source(Candidates(boxes, scores, ids), placement)

    @property
    def threshold(self) -> float:
        """The least score; where each class has its own, the one for classes without."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        """Let it hold for all classes, whatever the bundle says."""
        self._threshold = self._thresholds = value

    @property
    def thresholds(self) -> Threshold:
        """What is in force: one least score, or one for each class id."""
        return self._thresholds

    def take_settings(self, other: Engine) -> None:
        """Let what is in force in ``other``, of the same bundle, hold here too."""
        self._threshold, self._thresholds = other.threshold, other.thresholds
        self.max_detections, self._wanted = other.max_detections, other._wanted

    def only(self, labels: Collection[str]) -> None:
        """Find these classes and no others; none named means all.

        Raises :class:`UsageError` for a label that the model does not know.
        """
        ids = class_ids(labels, self.labels)
        self._wanted = np.array(ids) if ids else None

    def close(self) -> None:
        """Free the model's memory now, not when the last reference goes."""
        self.__dict__.pop("interpreter", None)
