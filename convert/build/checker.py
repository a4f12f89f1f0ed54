"""Runs variants on the check pictures and compares them with float32."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.build.parity import compare, real_outputs
from convert.errors import ConversionError
from convert.evaluation.agreement import f1
from convert.models.base import Network
from convert.quantization import flatbuffer
from convert.quantization.recipe import Recipe
from device.bundle.manifest import Check, SampleDetection, Variant
from device.errors import InterpreterError
from device.images import read_image
from device.inference.decode import make_decoder
from device.inference.engine import name_classes, name_detections
from device.inference.preprocess import Placement
from device.inference.probe import ProbeAnswer, ProbeRequest, probe
from device.records import Classification, Detection, Tensor
from device.runtimes import InterpreterName, installed_interpreters

REFERENCE: InterpreterName = "litert"
THRESHOLD = 0.5
MAX_DETECTIONS = 100

Found = tuple[Detection, ...] | tuple[Classification, ...]


class Checker:
    """Holds what float32 answered on the check pictures, and compares variants with it."""

    def __init__(self, network: Network, images: Sequence[Path], threshold: float) -> None:
        self.images = tuple(images)
        self._network = network
        self._threshold = threshold
        self._shapes = [read_image(path).shape for path in images]
        self._reference: dict[str, NDArray[np.float32]] | None = None
        self._reference_found: list[Found] = []

    def _run(
        self, file: Path, interpreter: InterpreterName
    ) -> tuple[ProbeAnswer, dict[str, Tensor]]:
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            outputs = Path(scratch) / "outputs.npz"
            request = ProbeRequest(
                model=str(file.resolve()),
                interpreter=interpreter,
                rule=self._network.input,
                images=tuple(str(path.resolve()) for path in self.images),
                outputs=str(outputs),
            )
            answer = probe(request)
            with np.load(outputs) as arrays:
                return answer, dict(arrays)

    def _decode(self, answer: ProbeAnswer, outputs: Mapping[str, Tensor]) -> list[Found]:
        """What was found on each check picture, by the code the device runs."""
        network = self._network
        decode = make_decoder(
            network.heads(answer.outputs), network.decoder, network.anchors, network.input.size_wh
        )
        by_position = sorted(outputs, key=lambda name: answer.outputs[name].position)
        found: list[Found] = []
        for number, (height, width, _) in enumerate(self._shapes):
            tensors = [outputs[name][number] for name in by_position]
            candidates = decode(tensors, self._threshold, MAX_DETECTIONS)
            if network.task == "classification":
                found.append(name_classes(candidates, network.labels))
            else:
                placement = Placement.of(network.input, (width, height))
                found.append(name_detections(candidates, placement, network.labels))
        return found

    def check(
        self, file: Path, recipe: Recipe, interpreter: InterpreterName
    ) -> tuple[Check, ProbeAnswer, list[Found]]:
        """Run ``file`` in ``interpreter`` and compare it with float32 in the reference.

        The first file checked must be float32 itself, and becomes what others are compared
        with. Raises ``InterpreterError`` or :class:`ConversionError` with what is wrong.
        """
        answer, outputs = self._run(file, interpreter)
        real = real_outputs(outputs, answer.outputs)
        found = self._decode(answer, outputs)
        if self._reference is None:
            assert recipe.precision == "float32"
            self._reference, self._reference_found = real, found
        try:
            likeness = compare(real, self._reference)
        except ConversionError as exc:
            raise ConversionError(f"{recipe.precision} in {interpreter}: {exc}") from exc
        if likeness.cosine < recipe.least_cosine and self._network.trained:
            raise ConversionError(
                f"{recipe.precision} in {interpreter} is no longer the same network: cosine "
                f"{likeness.cosine:.5f} to float32, at least {recipe.least_cosine} is expected"
            )
        check = Check(
            version=answer.version,
            ok=True,
            cosine=round(likeness.cosine, 6),
            error_p99=round(likeness.error_p99, 5),
            error_max=round(likeness.error_max, 5),
            agreement=round(agreement(found, self._reference_found), 4),
            invoke_ms=None if answer.invoke_ms is None else round(answer.invoke_ms, 3),
        )
        return check, answer, found

    def check_everywhere(self, file: Path, recipe: Recipe) -> tuple[Variant, list[Found]]:
        """Check one variant in every interpreter installed here, each in its own process.

        Returns the variant and what it found on the check pictures in LiteRT. Raises where it
        fails in LiteRT; a failure elsewhere is recorded.
        """
        check, answer, found = self.check(file, recipe, REFERENCE)
        checks: dict[InterpreterName, Check] = {REFERENCE: check}
        for name, version in installed_interpreters().items():
            if name == REFERENCE:
                continue
            try:
                checks[name], _, _ = self.check(file, recipe, name)
            except (InterpreterError, ConversionError) as exc:
                checks[name] = Check(version=version, ok=False, reason=str(exc))
        variant = Variant(
            file=file.name,
            size_bytes=file.stat().st_size,
            recipe=recipe.to_json(),
            operators=flatbuffer.operator_versions(flatbuffer.read(file.read_bytes())),
            input=answer.input,
            heads=self._network.heads(answer.outputs),
            checks=checks,
        )
        return variant, found


def agreement(found: Sequence[Found], reference: Sequence[Found]) -> float:
    """F1 of detections, or the share of pictures with the same best class, 0..1."""
    boxes = [_boxes(items) for items in found], [_boxes(items) for items in reference]
    if any(items for side in boxes for items in side):
        return f1(*boxes)
    best = [[items[0].class_id if items else None for items in side] for side in (found, reference)]
    return float(np.mean([a == b for a, b in zip(*best, strict=True)]))


def _boxes(found: Found) -> list[Detection]:
    return [item for item in found if isinstance(item, Detection)]


def as_sample(found: Found) -> tuple[SampleDetection, ...]:
    """What was found on a sample picture, as the manifest records it."""
    return tuple(
        SampleDetection(
            label=item.label,
            score=round(item.score, 4),
            box=_rounded(item) if isinstance(item, Detection) else None,
        )
        for item in found
    )


def _rounded(item: Detection) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = (round(side, 1) for side in item.box)
    return x_min, y_min, x_max, y_max
