"""The training log, ``training.jsonl``: a line per epoch, and the same as TensorBoard's events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from convert.training.state import EpochRecord
from device.system.atomic_file import write_whole

FILE = "training.jsonl"


class TrainingLog:
    """What each epoch came to, in a file that is whole after each of them."""

    def __init__(self, folder: Path, tensorboard: Path | None, until_step: int = 0) -> None:
        """``until_step``: of a run that is taken up again, the lines up to there stay."""
        self.path = folder / FILE
        self._lines: list[bytes] = []
        if until_step and self.path.is_file():
            self._lines = [
                line
                for line in self.path.read_bytes().splitlines()
                if msgspec.json.decode(line)["step"] <= until_step
            ]
        self._writer: Any = None
        if tensorboard is not None:
            import tensorflow as tf

            self._writer = tf.summary.create_file_writer(str(tensorboard))

    def add(self, record: EpochRecord) -> None:
        """Write it down. Raises ``SinkError`` where the disk is full."""
        self._lines.append(msgspec.json.encode(record))
        write_whole(self.path, b"\n".join(self._lines) + b"\n", "free some space")
        if self._writer is not None:
            import tensorflow as tf

            with self._writer.as_default(step=record.step):
                for name, value in _scalars(record).items():
                    tf.summary.scalar(name, value)
            self._writer.flush()


def _scalars(record: EpochRecord) -> dict[str, float]:
    """The figures of ``record`` by TensorBoard's names, such as ``loss/box``."""
    plain = ("elapsed_s", "progress", "learning_rate", "best", "images_per_s")
    return {
        **{name: getattr(record, name) for name in plain},
        **{f"loss/{name}": value for name, value in record.losses.items()},
        **{f"validation/{name}": value for name, value in record.scores.items()},
    }


def epoch_line(record: EpochRecord, say_left: Callable[[float], str]) -> str:
    """An epoch as the person at the terminal reads it."""
    left = record.elapsed_s * (1 - record.progress) / max(record.progress, 1e-9)
    parts = ", ".join(f"{name} {value:.3f}" for name, value in record.losses.items())
    parts = f" ({parts})" if len(record.losses) > 1 else ""
    scores = ", ".join(f"{value:.3f} {name}" for name, value in record.scores.items())
    return (
        f"epoch {record.epoch:<5} {say_left(record.elapsed_s)}, {say_left(left)} left: loss "
        f"{sum(record.losses.values()):.3f}{parts}, validation {scores}, best "
        f"{record.best:.3f}, {record.images_per_s:.0f} images/s"
    )


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 7:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
