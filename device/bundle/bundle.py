"""A bundle on disk: read, and verified before anything in it is used."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.bundle.anchors import read_anchors
from device.bundle.decoder_rules import SsdRule
from device.bundle.hashes import sha256_of
from device.bundle.manifest import parse_manifest
from device.bundle.model import Model
from device.errors import BundleError
from device.files import MOST_OF_A_TEXT, read_regular

MANIFEST = "manifest.json"


class Bundle(Model):
    """A folder with a manifest and the files it vouches for."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest; files are verified when they are first asked for.

        Raises :class:`BundleError` where there is no bundle or its manifest is not valid.
        """
        self.folder = folder
        if folder.suffix == ".tflite" and folder.is_file():
            raise BundleError(
                f"{folder} is a bare model: a bundle is needed, the folder that "
                f"`python -m convert build {folder.name} --out DIR` writes"
            )
        try:
            self.manifest = parse_manifest(read_regular(folder / MANIFEST, MOST_OF_A_TEXT))
        except OSError as exc:
            raise BundleError(
                f"{folder} is not a bundle ({MANIFEST}: {exc.strerror}): "
                "`python -m convert build` makes one"
            ) from exc
        except BundleError as exc:
            raise BundleError(f"{folder}: {exc}") from exc
        for name in self.manifest.files:
            if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
                raise BundleError(f"{folder}: the manifest names a file outside it: {name}")

    @cached_property
    def sha256(self) -> str:
        """Of the manifest, which vouches for all other files."""
        return sha256_of(self.folder / MANIFEST)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Name of each class, by class id."""
        path = self.file(self.manifest.labels)
        try:
            return tuple(read_regular(path, MOST_OF_A_TEXT).decode("utf-8").splitlines())
        except UnicodeDecodeError as exc:
            raise BundleError(f"{path}: not text in UTF-8 ({exc.reason})") from exc

    @cached_property
    def anchors(self) -> NDArray[np.float32] | None:
        """Those of an SSD, None of others. Raises :class:`BundleError` where they are damaged."""
        rule = self.manifest.decoder
        return read_anchors(self.file(rule.anchors)) if isinstance(rule, SsdRule) else None
