"""Findings of one picture, as lines on standard output: what a first try is looked at for."""

from __future__ import annotations

from device.outputs.base import Sink
from device.records import Detection, Outcome
from device.system.console import show


class FindingsSink(Sink):
    """A line per finding: label, score, and the box in pixels of the picture."""

    def write(self, outcome: Outcome) -> None:
        """Print what was found, or that nothing was."""
        result = outcome.result
        found = result.detections if result.classes is None else result.classes
        width = max((len(item.label) for item in found), default=0)
        lines = []
        for item in found:
            line = f"{item.label:<{width}}  {item.score:4.0%}"
            if isinstance(item, Detection):
                x_min, y_min, x_max, y_max = (round(side) for side in item.box)
                line += f"  x {x_min} to {x_max}, y {y_min} to {y_max}"
            lines.append(line)
        show("\n".join(lines) or "nothing found: a lower --threshold finds more")

    def close(self) -> None:
        """Nothing is held open."""
