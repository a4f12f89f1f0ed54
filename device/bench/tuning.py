"""The choice of interpreter and threads: the fastest, unless fewer threads are nearly as fast."""

from __future__ import annotations

from collections.abc import Sequence

from device.bench.record import CombinationResult
from device.inference.autotune import TunedSettings
from device.runtimes import PREFERENCE

NEARLY = 0.97  # of the best rate: worth having a core left over for the camera and the drawing


def rate(result: CombinationResult) -> float:
    """Frames per second where whole frames were measured, else invokes per second."""
    assert result.invoke is not None
    if result.end_to_end is not None:
        return 1e3 / result.end_to_end.frame.median_ms
    return 1e3 / result.invoke.median_ms


def pick(results: Sequence[CombinationResult], measured_at: str) -> dict[str, TunedSettings]:
    """The best of each variant that could be measured.

    Of all that reach 97 % of the best rate it is the one with the fewest threads; of those with
    as few, the interpreter that ``auto`` prefers.
    """
    chosen = {}
    for variant in dict.fromkeys(result.variant for result in results):
        able = [item for item in results if item.variant == variant and item.invoke is not None]
        if not able:
            continue
        enough = NEARLY * max(rate(item) for item in able)
        best = min(
            (item for item in able if rate(item) >= enough),
            key=lambda item: (item.threads, PREFERENCE.index(item.interpreter)),
        )
        chosen[variant] = TunedSettings(
            interpreter=best.interpreter,
            version=best.version,
            threads=best.threads,
            fps=round(rate(best), 2),
            measured_at=measured_at,
        )
    return chosen
