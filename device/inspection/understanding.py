"""Understanding of a model's outputs: what they are for, or why that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from device.bundle.decoder_rules import Corners, Rule
from device.bundle.heads import Head
from device.bundle.manifest import Task
from device.inspection.export_notes import ExportNotes
from device.inspection.output_roles import Output, Told

Score = Literal["probability", "logit"]
Binary = Literal["binary", "binary-logit"]
Family = Literal["", "yolo", "blaze", "blaze-palm"]
_PROBABLE = frozenset({"SOFTMAX", "LOGISTIC"})


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a model's outputs are for, and how that was told."""

    task: Task
    heads: tuple[Head, ...]
    why: str
    classes: int | None = None  # how many there are, where it can be told
    score: Score | Binary = "probability"
    score_why: str = ""
    rule: Rule | None = None  # of the decoder, where it is known whole
    labels: tuple[str, ...] = ()  # what models of its kind find, where nothing else names it
    multi_label: bool = False  # a classifier that scores each class for itself
    guesses: tuple[str, ...] = ()  # what nobody said: to be told aloud
    family: Family = ""  # whose conventions hold for what nobody says


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why the outputs are not those of one kind of model, and what could settle it."""

    reason: str
    flag: str = ""  # empty where no flag can
    # Whether they have the shapes of that kind, so that its reason is the one to tell.
    alike: bool = False
    step: str = ""  # what else there is to do


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known when a kind of model is considered."""

    outputs: Sequence[Output]
    told: Told | None
    anchors: int | None  # how many the user gave
    task: Task | None
    size_wh: tuple[int, int] = (0, 0)  # of the input, in pixels
    notes: ExportNotes | None = None
    corners: Corners | None = None  # the order of a box's, as the metadata says
    asked_corners: Corners | None = None  # the same, as the user says
    names: int | None = None  # how many classes the file, or the user, names


class ScoreKind(NamedTuple):
    """Whether scores are probabilities, and how that was told."""

    score: Score
    why: str


def score_kind(outputs: Sequence[Output]) -> ScoreKind:
    """What the scores in ``outputs`` are."""
    operators = {output.facts.operator for output in outputs}
    if operators <= _PROBABLE:
        return ScoreKind("probability", f"they come from {' and '.join(sorted(operators))}")
    low = min(output.held.minimum for output in outputs)
    high = max(output.held.maximum for output in outputs)
    if low >= 0 and high <= 1:
        return ScoreKind("probability", "all that were seen lie within 0..1")
    return ScoreKind("logit", f"they reach from {low:.3g} to {high:.3g}")
