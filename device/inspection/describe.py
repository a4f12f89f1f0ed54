"""The description of a bare model in words: what was understood of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.bundle.bare_model import BareModel, Explanation
from device.bundle.heads import Head
from device.bundle.labels import is_placeholder
from device.bundle.manifest import InputRule
from device.compiled_model import EDGE_TPU_OPERATOR
from device.inspection.image_input import ImageInput
from device.inspection.trial_run import Examination
from device.inspection.understanding import Understanding


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Names of the classes, and how they were told; no labels where nothing names them."""

    labels: tuple[str, ...]
    why: str
    guesses: tuple[str, ...] = ()  # what is to be said aloud


_FIT_REASONS = {
    "centre-crop": "as classifiers are measured",
    "stretch": "objects are everywhere",
    "letterbox": "its sides in proportion, in the middle of grey, as its kind is trained",
}


def explain(
    seen: Examination,
    fitted: ImageInput,
    found: Understanding,
    rule: InputRule,
    names: ClassNames,
    asked: bool = False,
) -> list[Explanation]:
    """All that was understood, and why; ``asked``: whether the user says how pictures fit."""
    assert seen.facts is not None
    assert seen.input is not None
    many = "class" if found.classes == 1 else "classes"
    classes = "" if found.classes is None else f", {found.classes} {many}"
    explanations = [
        Explanation("task", found.task + classes, "what its outputs are for"),
        Explanation(
            "input",
            f"{rule.width}x{rule.height} {rule.colour.upper()}, {seen.input.dtype}, {rule.layout}",
            fitted.size_why,
        ),
        Explanation("pixels", pixels_in_words(rule), fitted.pixels_why),
        Explanation(
            "picture",
            _fit_in_words(rule),
            "--resize" if asked else _FIT_REASONS[rule.resize],
        ),
        Explanation("outputs", "\n".join(heads_in_words(found.heads)), found.why),
    ]
    if found.score_why:
        explanations.append(Explanation("scores", f"{found.score}", found.score_why))
    named = sum(not is_placeholder(label) for label in names.labels)
    explanations.append(Explanation("labels", _labels_in_words(named, names.labels), names.why))
    explanations.append(
        Explanation("contents", seen.facts.contents, "its weights, and what is computed with them")
    )
    if EDGE_TPU_OPERATOR in seen.facts.operators:
        oldest = seen.facts.edge_tpu_runtime
        least = "" if oldest is None else f", runtime {oldest} or newer"
        what = f"a Coral Edge TPU{least}"
        explanations.append(Explanation("runs on", what, f"its operator {EDGE_TPU_OPERATOR}"))
    return explanations


def in_short(model: BareModel) -> str:
    """What ``model`` was taken for, why, and what would settle what is not sure."""
    told = {finding.topic: finding for finding in model.explanations}
    kind, _, classes = told["task"].what.partition(", ")
    noun = {"detection": "a detector", "classification": "a classifier"}[kind]
    taken = f"{noun} of {classes}" if classes else noun
    unsure = "; ".join(model.guesses)
    rest = f"Not sure: {unsure}." if unsure else "Nothing of it is a guess."
    return f"Taken for {taken}: {told['outputs'].why}. {rest}"


def _labels_in_words(named: int, labels: Sequence[str]) -> str:
    if named == 1:
        return next(label for label in labels if not is_placeholder(label))
    return f"{named} names" if named else "none"


def _fit_in_words(rule: InputRule) -> str:
    if rule.resize == "centre-crop":
        return f"the middle {rule.crop_fraction:.1%} of it"
    return "all of it, stretched" if rule.resize == "stretch" else "all of it, letterboxed"


def pixels_in_words(rule: InputRule) -> str:
    """``(byte - mean) / std`` with the rule's numbers."""

    def shown(value: float | tuple[float, ...]) -> str:
        values = value if isinstance(value, tuple) else (value,)
        return ", ".join(f"{item:.6g}" for item in values)

    return f"(byte - {shown(rule.mean)}) / {shown(rule.std)}"


def heads_in_words(heads: Sequence[Head]) -> list[str]:
    """Each tensor's role, position and shape."""
    words = []
    for head in heads:
        for role in head.__struct_fields__:
            tensor = getattr(head, role)
            if tensor in head.tensors:
                words.append(f"{role:<8}{tensor.position:>2} {tensor.dtype} {tensor.shape}")
    return words
