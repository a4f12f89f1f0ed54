"""The checker: compares variants with the reference in every interpreter, on the check images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from device.errors import LiteberryError
from device.records import Detection
from device.runtimes import InterpreterName, installed_interpreters

RecipeValues = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """A file that is to become a variant: how it was made, and how like float32 it must answer."""

    file: Path
    recipe: RecipeValues
    least_cosine: float | None = None  # below which it is refused


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
        (found,) = self._checks([ConvertedFile(file, {}, least_cosine)], interpreter)
        if isinstance(found, LiteberryError):
            raise found
        return found

    def _checks(
        self, candidates: Sequence[ConvertedFile], interpreter: InterpreterName
    ) -> list[tuple[Check, Answers] | LiteberryError]:
        """What :meth:`check` returns or raises for each of ``candidates``, from one child."""
        assert self._reference is not None, "set_reference comes first"
        known: dict[Path, Answers | LiteberryError] = {}
        if self._reference_file is not None and interpreter == REFERENCE_INTERPRETER:
            known[self._reference_file] = self._reference
        asked = [item.file for item in candidates if item.file not in known]
        known |= zip(asked, self._run.answers_of(asked, interpreter), strict=True)
        found: list[tuple[Check, Answers] | LiteberryError] = []
        for item in candidates:
            try:
                found.append(self._compared(item, known[item.file], interpreter))
            except LiteberryError as exc:
                found.append(exc)
        return found

    def _compared(
        self, item: ConvertedFile, answers: Answers | LiteberryError, interpreter: InterpreterName
    ) -> tuple[Check, Answers]:
        if isinstance(answers, LiteberryError):
            raise answers
        assert self._reference is not None
        where = f"{item.file.stem} in {interpreter}"
        try:
            check = compared(answers, self._reference)
        except ConversionError as exc:
            raise ConversionError(f"{where}: {exc}") from exc
        least = item.least_cosine
        if check.cosine is not None and least is not None and check.cosine < least:
            raise ConversionError(
                f"{where} is no longer the same network: cosine {check.cosine:.5f} to float32, "
                f"at least {least} is expected"
            )
        return check, answers

    def check_everywhere(
        self, candidates: Sequence[ConvertedFile]
    ) -> list[tuple[Variant, list[Found]]]:
        """The manifest's entry of each of ``candidates``, and what it found on the check images.

        It must pass in the reference interpreter, else this raises as :meth:`check`; what others
        say is recorded. Each interpreter is started once for all of them.
        """
        by_interpreter: dict[InterpreterName, list[tuple[Check, Answers] | LiteberryError]] = {
            REFERENCE_INTERPRETER: self._checks(candidates, REFERENCE_INTERPRETER)
        }
        for found in by_interpreter[REFERENCE_INTERPRETER]:
            if isinstance(found, LiteberryError):
                raise found
        versions = installed_interpreters()
        for name in versions:
            if name != REFERENCE_INTERPRETER:
                by_interpreter[name] = self._checks(candidates, name)
        made = []
        for number, item in enumerate(candidates):
            checks: dict[InterpreterName, Check] = {}
            for name, results in by_interpreter.items():
                result = results[number]
                checks[name] = (
                    Check(version=versions[name], ok=False, reason=str(result))
                    if isinstance(result, LiteberryError)
                    else result[0]
                )
            first = by_interpreter[REFERENCE_INTERPRETER][number]
            assert not isinstance(first, LiteberryError)
            answers = first[1]
            variant = Variant(
                file=item.file.name,
                size_bytes=item.file.stat().st_size,
                recipe=dict(item.recipe),
                operators=flatbuffer.operator_versions(flatbuffer.read(item.file.read_bytes())),
                input=answers.input,
                heads=answers.heads,
                checks=checks,
            )
            made.append((variant, answers.found))
        return made


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
