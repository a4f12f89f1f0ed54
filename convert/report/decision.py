"""The decision tree of TensorFlow for quantisation after training, answered by measurements."""

from __future__ import annotations

from dataclasses import dataclass

from convert.report.facts import Facts, VariantFacts
from convert.report.recommendation import ALIKE, TOLERANCE, Verdict, describe_loss, judge, points

TIE = 0.95  # a time must be this much below another's to be called shorter: machines drift


@dataclass(frozen=True, slots=True)
class Step:
    """One question of TensorFlow's decision tree, and this model's answer."""

    title: str
    documented: str
    here: str
    outcome: str


def _compare(facts: Facts, variant: VariantFacts) -> str:
    """Size, time and accuracy against float32, all measured here, as a sentence."""
    base = facts.base
    parts = []
    if base is not None:
        parts.append(f"{base.size_bytes / variant.size_bytes:.1f} times smaller")
        before, after = base.invoke_ms("litert"), variant.invoke_ms("litert")
        if before is None or after is None:
            parts.append("not timed in LiteRT")
        elif after < before * TIE:
            parts.append(f"{before / after:.1f} times as fast in LiteRT")
        else:
            slower = "slower" if before < after * TIE else "no faster"
            parts.append(f"{slower} in LiteRT ({after:.1f} ms against {before:.1f})")
    parts.append(
        ("" if variant.drop is None and variant.score is None else "it ")
        + describe_loss(facts, variant)
    )
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _outcome(facts: Facts, variant: VariantFacts) -> str:
    verdict = judge(facts, variant)
    if verdict is Verdict.UNKNOWN:
        return "Not judged: measure it."
    if verdict is Verdict.BAD:
        return "Not right often enough: go on."
    caution = ", though the interval reaches past it" if verdict is Verdict.UNSURE else ""
    if facts.metric == "agreement":
        result = f"Alike enough (at least {ALIKE:.2f}){caution}"
    else:
        result = f"Right often enough (at most {points(TOLERANCE)} points lost){caution}"
    base = facts.base
    before = None if base is None else base.invoke_ms("litert")
    after = variant.invoke_ms("litert")
    if before is None or after is None or after < before * TIE:
        return f"{result}. Stop here if it is small and fast enough."
    return f"{result}, but it gains no time here: go on if time matters."


STEPS = (
    (
        "dynamic",
        "1. Dynamic range: weights in 8 bits, no pictures needed",
        "4 times smaller, 2 to 3 times as fast on a CPU",
        "On a Pi 5 it takes 0.64 of float32's instructions, on a Pi 4 0.99.",
    ),
    (
        "int8",
        "2. Full integer: all arithmetic in 8 bits, calibrated on pictures",
        "4 times smaller, at least 3 times as fast on a CPU; the way to accelerators "
        "that only know integers",
        "On a Pi 5 it takes a third of float32's instructions, on a Pi 4 0.83.",
    ),
    (
        "float16",
        "3. Float16: weights in half precision",
        "half the size, faster on a GPU",
        "The file allows XNNPACK to compute in half precision: about half of float32's "
        "instructions on a Pi 5, no fewer on a Pi 4.",
    ),
)


def decide(facts: Facts) -> tuple[Step, ...]:
    """TensorFlow's decision tree for post-training quantisation, with this model's numbers."""
    steps = []
    for precision, title, documented, counted in STEPS:
        variant = facts.variant(precision)
        if variant is None:
            steps.append(Step(title, documented, f"This bundle has no {precision}.", "Not made."))
            continue
        if precision == "float16" and not variant.half_arithmetic:
            counted = "The file asks for float32 arithmetic: no fewer instructions on a Pi."
        here = f"{_compare(facts, variant)} {counted}"
        steps.append(Step(title, documented, here, _outcome(facts, variant)))
    return tuple(steps)
