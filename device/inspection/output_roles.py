"""Output roles: boxes, classes, scores or count, and who says which output is which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from device.bundle.heads import TensorSpec
from device.bundle.hints import Hints
from device.errors import UsageError
from device.inspection.tflite_facts import POST_PROCESS, TensorFacts
from device.schema import Record

Role = Literal["boxes", "classes", "scores", "count"]
ROLES: tuple[Role, ...] = get_args(Role)
UNUSED = "none"
# What operators write that suppress boxes, in the order of their own outputs.
_WRITTEN_BY: dict[str, tuple[Role, ...]] = {
    POST_PROCESS: ROLES,
    "FlexCombinedNonMaxSuppression": ("boxes", "scores", "classes", "count"),
}

_WORDS: tuple[tuple[Role, tuple[str, ...]], ...] = (
    ("count", ("num_", "number", "count")),
    ("scores", ("score", "prob", "conf")),
    ("classes", ("class", "categor", "label")),
    ("boxes", ("box", "location")),
)
# What the Object Detection API calls them; beside these it may leave others as outputs.
_TENSORFLOW_2: dict[str, Role] = {
    "detection_boxes": "boxes",
    "detection_classes": "classes",
    "detection_scores": "scores",
    "num_detections": "count",
}


class OutputValues(Record, frozen=True):
    """What an output held on the pictures it was tried on, as real numbers."""

    finite: bool
    minimum: float
    maximum: float
    runs: tuple[bytes, ...] = ()  # all values of each run, float32; none of a large output
    # The least and the greatest along the shorter of two axes, over the longer: of candidates.
    ranges: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One output: as the file declares it, as the interpreter has it, and what it held."""

    facts: TensorFacts
    spec: TensorSpec
    described: str  # its name in the metadata
    held: OutputValues

    @property
    def size(self) -> int:
        """How many values it has."""
        return math.prod(self.spec.shape)

    def values(self, run: int) -> NDArray[np.float32]:
        """What it held on one of the pictures."""
        return np.frombuffer(self.held.runs[run], np.float32)

    def __str__(self) -> str:
        name = self.facts.signature or self.facts.name
        return f"{self.spec.position} {name!r} {self.spec.dtype} {self.spec.shape}"


@dataclass(frozen=True, slots=True)
class Told:
    """A role for each output, None for those that have none, and who says so."""

    roles: tuple[Role | None, ...]
    who: str
    by_user: bool = False


def told_roles(outputs: Sequence[Output], hints: Hints) -> Told | None:
    """What the user, the operator or names say; None where nobody does.

    Raises ``UsageError`` for ``--outputs`` that do not fit the model.
    """
    if hints.outputs:
        if len(hints.outputs) != len(outputs) or not set(hints.outputs) <= {*ROLES, UNUSED}:
            raise UsageError(
                f"--outputs {','.join(hints.outputs)}: expected a word for each of the model's "
                f"{len(outputs)} outputs, of {', '.join(ROLES)} and {UNUSED}, with commas"
            )
        return Told(tuple(_role(word) for word in hints.outputs), "--outputs", by_user=True)
    for operator, order in _WRITTEN_BY.items():
        slots = [output.facts.slot for output in outputs if output.facts.operator == operator]
        if len(slots) == len(outputs) and max(slots) < len(order):
            return Told(tuple(order[slot] for slot in slots), f"the operator {operator}")
    for names, who in (
        ([output.described for output in outputs], "the names in its metadata"),
        ([output.facts.signature for output in outputs], "the names in its signature"),
        ([output.facts.name for output in outputs], "the names of the tensors"),
    ):
        plain = [name.lower().partition(":")[0] for name in names]
        if set(_TENSORFLOW_2) - {"num_detections"} <= set(plain):
            return Told(tuple(_TENSORFLOW_2.get(name) for name in plain), who)
        roles = tuple(_role_by_name(name) for name in names)
        if {"boxes", "scores"} <= set(roles) and None not in roles:
            return Told(roles, who)
    return None


def _role(word: str) -> Role | None:
    return next((role for role in ROLES if role == word), None)


def _role_by_name(name: str) -> Role | None:
    lower = name.lower()
    return next((role for role, words in _WORDS if any(w in lower for w in words)), None)
