"""The checker: compares variants with the reference in every interpreter, on the check images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from convert.build.check_run import Answers, CheckRun, Found
from convert.build.contract import Contract
from convert.build.parity import compare
from convert.errors import ConversionError
from convert.evaluation.agreement import f1
from convert.quantization import flatbuffer
from convert.reference import REFERENCE_INTERPRETER
from device.bundle.manifest import Check, SampleDetection, Variant
from device.errors import InterpreterError
from device.records import Detection
from device.runtimes import InterpreterName, installed_interpreters

RecipeValues = Mapping[str, str | int | float | bool]


class Checker:
    """Compares variants with the reference, which :meth:`set_reference` runs first."""

    def __init__(self, contract: Contract, images: Sequence[Path]) -> None:
        self._run = CheckRun(contract, images)
        self._reference_file: Path | None = None
        self._reference: Answers | None = None

    @property
    def images(self) -> tuple[Path, ...]:
        """The check images."""
        return self._run.images

    def set_reference(self, file: Path) -> None:
        """Run ``file``, float32, in the reference interpreter: what others are compared with.

        Raises as :meth:`check`.
        """
        self._reference_file = file
        self._reference = self._run.answers(file, REFERENCE_INTERPRETER)

    def check(
        self, file: Path, interpreter: InterpreterName, least_cosine: float | None = None
    ) -> tuple[Check, Answers]:
        """Run ``file`` in ``interpreter`` and compare it with the reference.

        ``least_cosine``: the similarity of outputs below which it is refused; None refuses none.
        Raises ``InterpreterError`` or :class:`ConversionError` with what is wrong.
        """
        assert self._reference is not None, "set_reference comes first"
        if file == self._reference_file and interpreter == REFERENCE_INTERPRETER:
            answers = self._reference
        else:
            answers = self._run.answers(file, interpreter)
        where = f"{file.stem} in {interpreter}"
        try:
            check = compared(answers, self._reference)
        except ConversionError as exc:
            raise ConversionError(f"{where}: {exc}") from exc
        cosine = check.cosine
        if cosine is not None and least_cosine is not None and cosine < least_cosine:
            raise ConversionError(
                f"{where} is no longer the same network: cosine {cosine:.5f} to float32, "
                f"at least {least_cosine} is expected"
            )
        return check, answers

    def check_everywhere(
        self, file: Path, recipe: RecipeValues, least_cosine: float | None = None
    ) -> tuple[Variant, list[Found]]:
        """Check ``file``, made by ``recipe``, in every interpreter installed here.

        Returns the variant and what it found on the check images in LiteRT. Raises where it
        fails in LiteRT; a failure elsewhere is recorded.
        """
        check, answers = self.check(file, REFERENCE_INTERPRETER, least_cosine)
        checks: dict[InterpreterName, Check] = {REFERENCE_INTERPRETER: check}
        for name, version in installed_interpreters().items():
            if name == REFERENCE_INTERPRETER:
                continue
            try:
                checks[name], _ = self.check(file, name, least_cosine)
            except (InterpreterError, ConversionError) as exc:
                checks[name] = Check(version=version, ok=False, reason=str(exc))
        variant = Variant(
            file=file.name,
            size_bytes=file.stat().st_size,
            recipe=dict(recipe),
            operators=flatbuffer.operator_versions(flatbuffer.read(file.read_bytes())),
            input=answers.input,
            heads=answers.heads,
            checks=checks,
        )
        return variant, answers.found


def compared(answers: Answers, reference: Answers) -> Check:
    """The check of ``answers`` beside those of ``reference``. Raises :class:`ConversionError`."""
    likeness = compare(answers.values, reference.values) if answers.values else None
    return Check(
        version=answers.version,
        ok=True,
        cosine=None if likeness is None else round(likeness.cosine, 6),
        error_p99=None if likeness is None else round(likeness.error_p99, 5),
        error_max=None if likeness is None else round(likeness.error_max, 5),
        agreement=round(agreement(answers.found, reference.found), 4),
        invoke_ms=None if answers.invoke_ms is None else round(answers.invoke_ms, 3),
    )


def agreement(found: Sequence[Found], reference: Sequence[Found]) -> float:
    """F1 of detections, or the share of images with the same best class, 0..1."""
    boxes = [_boxes(items) for items in found], [_boxes(items) for items in reference]
    if any(items for side in boxes for items in side):
        return f1(*boxes)
    best = [[items[0].class_id if items else None for items in side] for side in (found, reference)]
    return float(np.mean([a == b for a, b in zip(*best, strict=True)]))


def _boxes(found: Found) -> list[Detection]:
    return [item for item in found if isinstance(item, Detection)]


def as_sample(found: Found) -> tuple[SampleDetection, ...]:
    """What was found on a sample image, as the manifest records it."""
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
