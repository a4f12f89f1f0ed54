"""The comparison of two benchmarks: what became faster or slower, and what only the noise did.

Invokes of one process resemble each other more than those of two, so the round, a process of its
own, is what counts as one observation (T. Kalibera and R. Jones, "Rigorous Benchmarking in
Reasonable Time", ISMM 2013). The ratio of two medians gets an interval from the spread of the
rounds' medians, on a logarithmic scale, where a ratio is a difference: that of B. L. Welch, "The
Generalization of Student's Problem when Several Different Population Variances are Involved"
(Biometrika 34, 1947).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from device.bench.record import Benchmark, CombinationResult, Times
from device.bench.timing import TimingSummary

CONFIDENCE = 0.95

Verdict = Literal["same", "faster", "slower", "unclear", "fails now"]


class FigureChange(NamedTuple):
    """One figure in both benchmarks. ``ratio`` is new over old: above 1 is slower."""

    name: str
    verdict: Verdict
    old_ms: float
    new_ms: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None  # 95 % of it; None where one has a single round

    @property
    def is_regression(self) -> bool:
        """Whether it is worse, and more than noise."""
        return self.verdict in ("slower", "fails now")


def compare(old: Benchmark, new: Benchmark, tolerance: float) -> Iterator[FigureChange]:
    """Every figure that both have, in the new one's order; ``tolerance`` is a share, as 0.05.

    Slower is what took more than ``1 + tolerance`` times as long and whose interval lies above
    1; faster, the same the other way round. The same is what lies within the tolerance with its
    whole interval. The rest is unclear: more rounds would tell.
    """
    before = {_key(result): result for result in old.results}
    for result in new.results:
        earlier = before.get(_key(result))
        if earlier is None or earlier.invoke is None:
            continue
        name = f"{result.name}: invoke"
        if result.invoke is None:
            yield FigureChange(name, "fails now", earlier.invoke.median_ms)
            continue
        rounds = (earlier.rounds_ms, result.rounds_ms)
        yield _change(name, earlier.invoke, result.invoke, *rounds, tolerance)
        one, other = earlier.end_to_end, result.end_to_end
        if one is not None and other is not None:
            name = f"{result.name}: frame"
            yield _change(name, one.frame, other.frame, one.rounds_ms, other.rounds_ms, tolerance)


def differences(old: Benchmark, new: Benchmark) -> Iterator[str]:
    """What else differs between the two and may be why."""
    if old.machine != new.machine:
        yield f"measured on another machine: {old.machine}, now {new.machine}"
    if old.bundle_sha256 != new.bundle_sha256:
        yield f"another bundle: {old.bundle_sha256[:12]}, now {new.bundle_sha256[:12]}"
    for package in sorted(old.packages.keys() & new.packages.keys()):
        if old.packages[package] != new.packages[package]:
            yield f"{package} was {old.packages[package]}, now {new.packages[package]}"
    if old.priority != new.priority:
        yield f"the scheduler's priority was {old.priority}, now {new.priority}"
    before, now = old.settings.source, new.settings.source
    if before is None and now is not None:
        yield "whole frames were not measured then: only invokes are compared"
    elif now is None and before is not None:
        yield "whole frames are not measured now: only invokes are compared"
    elif before != now:
        yield f"frames came from {before}, now from {now}"


def _key(result: CombinationResult) -> tuple[str, str, int]:
    return result.variant, result.interpreter, result.threads


def _change(
    name: str,
    old: TimingSummary,
    new: TimingSummary,
    old_rounds_ms: Sequence[Times],
    new_rounds_ms: Sequence[Times],
    tolerance: float,
) -> FigureChange:
    ratio = new.median_ms / old.median_ms
    interval = ratio_interval(ratio, old_rounds_ms, new_rounds_ms)
    verdict: Verdict = "unclear"
    if interval is not None:
        low, high = interval
        most = 1 + tolerance
        if ratio > most and low > 1:
            verdict = "slower"
        elif ratio < 1 / most and high < 1:
            verdict = "faster"
        elif 1 / most <= low and high <= most:
            verdict = "same"
    return FigureChange(name, verdict, old.median_ms, new.median_ms, ratio, interval)


def ratio_interval(
    ratio: float, old_rounds_ms: Sequence[Times], new_rounds_ms: Sequence[Times]
) -> tuple[float, float] | None:
    """Between what bounds the ratio of two medians lies, with 95 % confidence.

    None where either side has a single round: its spread is not known.
    """
    variances = []
    for rounds_ms in (old_rounds_ms, new_rounds_ms):
        if len(rounds_ms) < 2:
            return None
        logs = [math.log(statistics.median(times_ms)) for times_ms in rounds_ms]
        variances.append((statistics.variance(logs) / len(logs), len(logs) - 1))
    total = sum(variance for variance, _ in variances)
    if total == 0:
        return ratio, ratio
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in variances)
    factor = math.exp(t_quantile((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total))
    return ratio / factor, ratio * factor


def t_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t distribution, within 1 % from two degrees of freedom on.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    x = statistics.NormalDist().inv_cdf(probability)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / freedom**power for power, term in enumerate(terms, 1))
