"""Stability of a benchmark: whether it can be trusted, and what disturbed it; after pyperf."""

from __future__ import annotations

import os
import resource
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from device.bench.record import CombinationResult, Load, Moment, Times
from device.system.board import HERE, Board, throttled_now, throttled_since_boot

# pyperf warns from the same share of the mean on.
MOST_DEVIATION = 0.10
# Runs are to agree within this; where the rounds of one run do not, two runs will not either.
MOST_BETWEEN_ROUNDS = 0.05
MOST_OTHER_CORES = 0.1
MOST_STOLEN_PERCENT = 1.0


class LoadMonitor:
    """What the rest of the machine does, from the making of this object on."""

    def __init__(self, root: Path = HERE) -> None:
        self._stat = root / "proc" / "stat"
        self._started = _all_cpu_s(self._stat)
        self._own_s = _own_cpu_s()

    def load(self, elapsed_s: float) -> Load:
        """The mean over ``elapsed_s``, the time since; this process and its children left out."""
        now = _all_cpu_s(self._stat)
        if self._started is None or now is None or elapsed_s <= 0:
            return Load(other_cores=None, stolen_percent=None)
        busy_s, stolen_s, total_s = (
            ended - started for ended, started in zip(now, self._started, strict=True)
        )
        others_s = max(0.0, busy_s - (_own_cpu_s() - self._own_s))
        return Load(
            other_cores=round(others_s / elapsed_s, 2),
            stolen_percent=round(100 * stolen_s / total_s, 1) if total_s else 0.0,
        )


def _all_cpu_s(stat: Path) -> tuple[float, float, float] | None:
    """Seconds that all cores together were busy, were taken by a hypervisor, and there were."""
    try:
        fields = [int(field) for field in stat.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = fields
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    busy = user + nice + system + irq + softirq
    return busy * tick_s, steal * tick_s, (busy + idle + iowait + steal) * tick_s


def _own_cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class _Series(NamedTuple):
    """What one combination did in all its rounds."""

    name: str
    rounds_ms: Sequence[Times]

    @property
    def medians_ms(self) -> list[float]:
        return [statistics.median(times_ms) for times_ms in self.rounds_ms]

    @property
    def apart(self) -> float:
        """By what share the slowest round was slower than the fastest."""
        return max(self.medians_ms) / min(self.medians_ms) - 1

    @property
    def deviation(self) -> float:
        """Standard deviation of all times, as a share of their mean."""
        times_ms = [time_ms for one in self.rounds_ms for time_ms in one]
        return statistics.stdev(times_ms) / statistics.fmean(times_ms) if times_ms[1:] else 0.0


def unsteady(results: Sequence[CombinationResult]) -> list[str]:
    """How many combinations did not do the same all the time, and which is the worst of them."""
    found = []
    series = [_Series(item.name, item.rounds_ms) for item in results if item.rounds_ms]
    series += [
        _Series(f"{item.name}, end to end", item.end_to_end.rounds_ms)
        for item in results
        if item.end_to_end is not None
    ]
    torn = [one for one in series if one.apart > MOST_BETWEEN_ROUNDS]
    if torn:
        worst = max(torn, key=lambda one: one.apart)
        found.append(
            f"{len(torn)} of {len(series)} rows: the rounds' medians lie more than "
            f"{MOST_BETWEEN_ROUNDS:.0%} apart, furthest in {worst.name} "
            f"({min(worst.medians_ms):.2f} to {max(worst.medians_ms):.2f} ms)"
        )
    spread = [one for one in series if one.deviation > MOST_DEVIATION]
    if spread:
        worst = max(spread, key=lambda one: one.deviation)
        found.append(
            f"{len(spread)} of {len(series)} rows: the standard deviation is more than "
            f"{MOST_DEVIATION:.0%} of the mean, most in {worst.name} ({worst.deviation:.0%})"
        )
    return found


def disturbances(board: Board, moments: Sequence[Moment], load: Load) -> list[str]:
    """What the machine itself did to the figures; ``moments`` are in order and not empty."""
    found = []
    states = [moment.state for moment in moments]
    governors = {state.governor for state in states if state.governor} - {"performance"}
    if governors:
        found.append(
            f"the governor is {', '.join(sorted(governors))}, which changes the clock with the "
            "load: echo performance | sudo tee "
            "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor"
        )
    if held_back := _held_back(
        [state.throttled for state in states if state.throttled is not None]
    ):
        found.append(
            f"the firmware held the processor back ({', '.join(held_back)}): cool it, or give it "
            "the power supply that belongs to it"
        )
    if load.other_cores is not None and load.other_cores > MOST_OTHER_CORES:
        found.append(f"other programs kept {load.other_cores:.2f} of {board.cpu.cores} cores busy")
    if load.stolen_percent is not None and load.stolen_percent > MOST_STOLEN_PERCENT:
        found.append(
            f"the hypervisor gave {load.stolen_percent:.1f} % of the time to other machines"
        )
    return found


def _held_back(bits: Sequence[int]) -> list[str]:
    """What the firmware did while it was looked at, or between two looks, by name.

    ``bits`` are those of ``get_throttled``, in order; what they tell of the time before the run
    does not count.
    """
    seen = {name for some in bits for name in throttled_now(some)}
    if bits:
        seen |= set(throttled_since_boot(bits[-1] & ~bits[0]))
    return sorted(seen)


def warnings(
    board: Board, results: Sequence[CombinationResult], moments: Sequence[Moment], load: Load
) -> tuple[str, ...]:
    """All that speaks against trusting these figures; empty where nothing does."""
    crowded = {item.threads for item in results if item.threads > board.cpu.cores}
    found = disturbances(board, moments, load)
    if crowded:
        counts = ", ".join(map(str, sorted(crowded)))
        found.append(f"there are {board.cpu.cores} cores, fewer than threads ({counts})")
    return (*found, *unsteady(results))
