"""The recommendation: which variant for which board, in words, from what was measured.

What is known of a Raspberry Pi are Arm instructions of one invoke, counted under emulation for
SSDLite MobileNetV2 at 300x300; no time on a Pi is claimed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from convert.reference import REFERENCE_VARIANT
from convert.report.facts import Facts, Metric, VariantFacts
from device.runtimes import ORIGINS, InterpreterName

TOLERANCE = 0.010  # of mAP or top-1: a loss up to a point is taken for a quarter of the size
ALIKE = 0.95  # agreement with float32 from which a variant counts as the same, without truth

COUNTED_MODEL = "ssdlite_mobilenet_v2"  # whose instructions the shares are

# Share of float32's instructions in LiteRT 2.3, by the recipe's precision.
PI_5 = {"int8": 1 / 3, "float16": 0.5, "dynamic": 0.64, "float32": 1.0}
PI_4 = {"int8": 0.83, "float16": 1.0, "dynamic": 0.99, "float32": 1.0}

UNITS: dict[Metric, str] = {
    "mAP": "points of mAP",
    "top-1": "points of top-1 accuracy",
    "agreement": "agreement with float32",
}


class Verdict(Enum):
    """Whether a variant is right often enough to be used in float32's place."""

    GOOD = "good"
    UNSURE = "unsure"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to use on one board, why, and what is not known."""

    board: str
    variant: str
    interpreter: str
    reasons: tuple[str, ...]


def judge(facts: Facts, variant: VariantFacts) -> Verdict:
    """By the loss against float32 and its interval, else by the agreement with it."""
    if variant.name == REFERENCE_VARIANT:
        return Verdict.GOOD
    if facts.metric == "agreement":
        if variant.score is None:
            return Verdict.UNKNOWN
        low = variant.interval[0] if variant.interval else variant.score
        if variant.score < ALIKE:
            return Verdict.BAD
        return Verdict.GOOD if low >= ALIKE else Verdict.UNSURE
    if variant.drop is None:
        return Verdict.UNKNOWN
    if variant.drop > TOLERANCE:
        return Verdict.BAD
    high = variant.drop_interval[1] if variant.drop_interval else variant.drop
    return Verdict.GOOD if high <= TOLERANCE else Verdict.UNSURE


def points(value: float) -> str:
    """A share as points, with a real minus: 0.012 is ``1.2``."""
    text = f"{value * 100:.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def describe_loss(facts: Facts, variant: VariantFacts) -> str:
    """A clause about how right a variant is."""
    if facts.metric == "agreement":
        if variant.score is None:
            return "how right it is was not measured"
        return f"agrees with float32 to {variant.score:.3f} on {facts.images} pictures"
    if variant.drop is None:
        return "how right it is was not measured"
    unit = UNITS[facts.metric]
    text = f"loses {points(variant.drop)} {unit}"
    if abs(variant.drop) < 0.0005:
        text = f"is within a tenth of float32, in {unit}"
    elif variant.drop < 0:
        text = f"is {points(-variant.drop)} {unit} above float32"
    if variant.drop_interval is not None:
        low, high = variant.drop_interval
        text += f" (95% interval of the loss: {points(low)} to {points(high)})"
    return f"{text} on {facts.images} pictures"


def _loads(variant: VariantFacts, interpreter: InterpreterName) -> bool:
    """True also where it was not tried: absence of a check is no failure."""
    check = variant.checks.get(interpreter)
    return check is None or check.ok


def share_of(variant: VariantFacts, shares: dict[str, float]) -> float | None:
    """Share of float32's instructions, None for a precision that nobody counted."""
    if variant.precision == "float16" and not variant.half_arithmetic:
        return 1.0
    return shares.get(variant.precision)


def best_for(facts: Facts, shares: dict[str, float]) -> VariantFacts | None:
    """Of what is right and loads in LiteRT: fewest instructions, then the smallest file.

    A variant whose accuracy nobody measured is no candidate; float32 is what remains.
    """
    allowed = [
        item
        for item in facts.variants
        if share_of(item, shares) is not None
        and _loads(item, "litert")
        and judge(facts, item) in (Verdict.GOOD, Verdict.UNSURE)
    ]
    return min(allowed, key=lambda v: (share_of(v, shares) or 1.0, v.size_bytes), default=None)


def _rejected(facts: Facts, shares: dict[str, float], chosen: VariantFacts) -> list[str]:
    """Why what takes fewer instructions was not chosen."""
    told = []
    for item in facts.variants:
        share, least = share_of(item, shares), share_of(chosen, shares)
        if share is None or least is None or share >= least:
            continue
        if not _loads(item, "litert"):
            told.append(f"{item.name} would take fewer, but LiteRT does not load it here.")
        else:
            told.append(f"{item.name} would take fewer, but {describe_loss(facts, item)}.")
    return told


def _advise_board(facts: Facts, board: str, shares: dict[str, float]) -> Advice | None:
    chosen = best_for(facts, shares)
    if chosen is None:
        return None
    share = share_of(chosen, shares) or 1.0
    if chosen.name == REFERENCE_VARIANT:
        reasons = ["Nothing that takes fewer instructions is known to be right often enough."]
    elif share < 0.99:
        reasons = [f"Takes about {share:.2f} of float32's Arm instructions."]
    else:
        reasons = [
            "No fewer Arm instructions than float32, but a smaller file: "
            f"{chosen.megabytes:.2f} MB."
        ]
    if chosen.name != REFERENCE_VARIANT:
        reasons.append(f"It {describe_loss(facts, chosen)}.")
    if judge(facts, chosen) is Verdict.UNSURE:
        reasons.append("The interval reaches past what is tolerated: measure on more pictures.")
    return Advice(board, chosen.name, "LiteRT", (*reasons, *_rejected(facts, shares, chosen)))


def _advise_old_runtime(facts: Facts) -> Advice | None:
    tried = [item for item in facts.variants if item.checks.get("tflite-runtime") is not None]
    floats = [
        item
        for item in tried
        if item.precision in ("float32", "float16")
        and _loads(item, "tflite-runtime")
        and judge(facts, item) in (Verdict.GOOD, Verdict.UNSURE)
    ]
    if not floats:
        return None
    chosen = min(floats, key=lambda item: item.size_bytes)
    reasons = ["tflite-runtime 2.14 has no fast int8: a float variant takes fewer instructions."]
    base = facts.base
    slow, fast = (
        None if item is None else item.invoke_ms("tflite-runtime")
        for item in (facts.variant("int8"), base)
    )
    if slow is not None and fast is not None:
        relation = "against" if slow > fast else "and, here, not slower than"
        reasons.append(f"Here, int8 took {slow:.1f} ms in it, {relation} float32's {fast:.1f} ms.")
    if chosen.name != REFERENCE_VARIANT:
        reasons.append(f"{chosen.name} is the smallest of these: {chosen.megabytes:.2f} MB.")
    return Advice("Where only tflite-runtime runs", chosen.name, "tflite-runtime", tuple(reasons))


def _advise_here(facts: Facts) -> Advice | None:
    timed = [
        (item.fastest[1], item.fastest[0], item)
        for item in facts.variants
        if item.fastest is not None and judge(facts, item) in (Verdict.GOOD, Verdict.UNSURE)
    ]
    if not timed:
        return None
    time, interpreter, chosen = min(timed, key=lambda entry: entry[:2])
    reasons = [f"Fastest measured: {time:.1f} ms for one invoke with one thread."]
    base = facts.base
    if base is not None and base.fastest is not None and chosen.name != REFERENCE_VARIANT:
        ratio = base.fastest[1] / time
        reasons.append(f"float32's best is {base.fastest[1]:.1f} ms, {ratio:.1f} times as long.")
    return Advice(
        "The machine that built the bundle", chosen.name, ORIGINS[interpreter].title, tuple(reasons)
    )


def advise(facts: Facts) -> tuple[Advice, ...]:
    """One piece of advice for each kind of machine, those of a Pi first."""
    found = (
        _advise_board(facts, "Raspberry Pi 5", PI_5),
        _advise_board(facts, "Raspberry Pi 4", PI_4),
        _advise_old_runtime(facts),
        _advise_here(facts),
    )
    return tuple(item for item in found if item is not None)


def headline(facts: Facts) -> tuple[str, str]:
    """What a person who reads nothing else should have read, and the numbers behind it."""
    chosen = best_for(facts, PI_5)
    if chosen is None:
        return "No variant is known to be right often enough.", "Measure their accuracy."
    base = facts.base
    if chosen.name == REFERENCE_VARIANT or base is None:
        return f"Stay with {chosen.name}.", "No smaller variant is known to be right often enough."
    ratio = base.size_bytes / chosen.size_bytes
    verdict = judge(facts, chosen)
    sure = verdict is Verdict.GOOD and facts.metric != "agreement"
    smaller = f"{ratio:.1f} times smaller than float32"
    if facts.metric == "agreement":
        result = "and much alike; its accuracy was not measured"
    elif chosen.drop is not None and chosen.drop >= 0.0005:
        result = f"{points(chosen.drop)} {UNITS[facts.metric]} lost"
    else:
        result = "and as right"
    told = f"{chosen.name} {describe_loss(facts, chosen)}."
    if verdict is Verdict.UNSURE:
        told += " The interval reaches past what is tolerated: measure on more pictures."
    return f"{'Take' if sure else 'Try'} {chosen.name}: {smaller}, {result}.", told
