"""A model that can be run: a manifest, and the files for which it vouches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.bundle.hashes import sha256_of
from device.bundle.manifest import Manifest, Variant
from device.errors import BundleError, UsageError
from device.suggestions import did_you_mean


class Model(ABC):
    """What the engine needs, wherever it comes from: a bundle's folder, or a bare ``.tflite``."""

    folder: Path
    manifest: Manifest

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of the one file that stands for all: the same hash, the same model."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Name of each class, by class id."""

    @property
    @abstractmethod
    def anchors(self) -> NDArray[np.float32] | None:
        """float32 (count, 4): centre_y, centre_x, height, width, 0..1 of the input.

        An SSD has them; None of other models.
        """

    def file(self, name: str) -> Path:
        """Path of a file, its hash verified.

        Raises :class:`BundleError` where it is missing, damaged, or not in the manifest.
        """
        expected = self.manifest.files.get(name)
        if expected is None:
            raise BundleError(f"{self.folder}: the manifest does not vouch for {name}")
        path = self.folder / name
        try:
            found = sha256_of(path)
        except OSError as exc:
            raise BundleError(f"{path}: {exc.strerror}; copy or build the bundle again") from exc
        if found != expected:
            raise BundleError(
                f"{path} is damaged: its sha256 begins with {found[:12]}, the manifest says "
                f"{expected[:12]}; copy or build the bundle again"
            )
        return path

    def verify(self, names: Iterable[str] | None = None) -> None:
        """Check the hash of ``names``, or of every file. Raises as :meth:`file`."""
        for name in self.manifest.files if names is None else names:
            self.file(name)

    def variant(self, name: str) -> Variant:
        """One variant. Raises :class:`UsageError`, listing what there is, for another name."""
        try:
            return self.manifest.variants[name]
        except KeyError:
            known = ", ".join(self.manifest.variants)
            hint = did_you_mean(name, self.manifest.variants)
            raise UsageError(
                f"no variant {name!r} in {self.folder}; it has: {known}{hint}"
            ) from None

    @cached_property
    def default_variant(self) -> str:
        """int8 where there is one, else the smallest."""
        variants = self.manifest.variants
        return "int8" if "int8" in variants else min(variants, key=lambda v: variants[v].size_bytes)
