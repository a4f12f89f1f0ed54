"""A bare model: a ``.tflite`` without a bundle, and the manifest it might have had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Manifest
from device.bundle.model import Model


@dataclass(frozen=True, slots=True)
class Explanation:
    """One thing understood of a model, and how."""

    topic: str
    what: str
    why: str


class BareModel(Model):
    """A model that lies alone, with the manifest it might have had."""

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        labels: tuple[str, ...],
        anchors: NDArray[np.float32] | None,
        explanations: Sequence[Explanation] = (),
        guesses: Sequence[str] = (),
        complaint: str = "",
    ) -> None:
        """``guesses`` are what a flag would settle; ``complaint`` is about the metadata."""
        self.folder = path.parent
        self.manifest = manifest
        self._labels = labels
        self._anchors = anchors
        self.explanations = tuple(explanations)
        self.guesses = tuple(guesses)
        self.warnings = tuple(filter(None, (complaint, *guesses)))

    @property
    def sha256(self) -> str:
        """Of the file itself."""
        (only,) = self.manifest.files.values()
        return only

    @property
    def labels(self) -> tuple[str, ...]:
        """The names that were found, or numbers."""
        return self._labels

    @property
    def anchors(self) -> NDArray[np.float32] | None:
        """Those that the user gave."""
        return self._anchors
