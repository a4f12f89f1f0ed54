"""A bundle on disk: read, and verified before anything in it is used."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.bundle.anchors import read_anchors
from device.bundle.decoder_rules import SsdRule
from device.bundle.hashes import sha256_of
from device.bundle.manifest import parse_manifest
from device.bundle.model import Model
from device.errors import BundleError
from device.file_kinds import kind_of_file
from device.files import MOST_OF_A_TEXT, read_regular
from device.foreign_formats import foreign_format
from device.suggestions import nearest

MANIFEST = "manifest.json"
MOST_INSIDE = 1000  # names of a folder that are looked at for the one that was meant
SEEN = ("a picture", "a video")


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
            raise BundleError(_why_no_bundle(folder, exc.strerror)) from exc
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


def _why_no_bundle(path: Path, reason: str | None) -> str:
    """What stands at ``path`` instead of a bundle, and what was most likely meant."""
    makes = "`python -m convert build` makes one"
    if path.is_dir():
        inside = sorted(item.parent for item in islice(path.glob(f"*/{MANIFEST}"), MOST_INSIDE))
        meant = f"; did you mean {inside[0]}?" if inside else ""
        return f"{path} is not a bundle ({MANIFEST}: {reason}): {makes}{meant}"
    if (other := foreign_format(path)) is not None:
        return other
    if path.exists():
        kind = kind_of_file(path) or "a file"
        source = "; what to look at comes after --source" if kind in SEEN else ""
        return f"{path} is {kind}, not a bundle and not a .tflite: {makes}{source}"
    try:
        names = [item.name for item in islice(path.parent.iterdir(), MOST_INSIDE)]
    except OSError:
        names = []
    name = nearest(path.name, names)
    meant = f"; did you mean {path.with_name(name)}?" if name else ""
    return f"{path} is not a bundle (no such file or folder): {makes}{meant}"
