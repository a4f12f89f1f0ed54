"""A bundle on disk: read, and verified before anything in it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.bundle.manifest import Manifest, SsdRule, Variant, parse_manifest
from device.errors import BundleError, UsageError

MANIFEST = "manifest.json"


def sha256_of(path: Path) -> str:
    """Hash of a file, as lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_anchors(path: Path) -> NDArray[np.float32]:
    """float32 (count, 4) from an ``.npy``; raises :class:`BundleError` for anything else."""
    try:
        anchors = np.load(path, allow_pickle=False)
    except OSError as exc:
        raise BundleError(f"{path}: {exc.strerror}") from exc
    except (ValueError, EOFError) as exc:
        raise BundleError(f"{path}: not an array of anchors ({exc})") from exc
    if anchors.dtype != np.float32 or anchors.ndim != 2 or anchors.shape[1] != 4:
        raise BundleError(
            f"{path}: expected float32 (count, 4), found {anchors.dtype} {anchors.shape}"
        )
    checked: NDArray[np.float32] = anchors
    return checked


class Bundle:
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
            self.manifest: Manifest = parse_manifest((folder / MANIFEST).read_bytes())
        except OSError as exc:
            raise BundleError(
                f"{folder} is not a bundle ({MANIFEST}: {exc.strerror}): "
                "`python -m convert build` makes one"
            ) from exc
        except BundleError as exc:
            raise BundleError(f"{folder}: {exc}") from exc
        for name in self.manifest.files:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise BundleError(f"{folder}: the manifest names a file outside it: {name}")

    def file(self, name: str) -> Path:
        """Path of a file of the bundle, its hash verified.

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
            raise UsageError(f"no variant {name!r} in {self.folder}; it has: {known}") from None

    @cached_property
    def default_variant(self) -> str:
        """int8 where there is one, else the smallest."""
        variants = self.manifest.variants
        return "int8" if "int8" in variants else min(variants, key=lambda v: variants[v].size_bytes)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Name of each class, by class id."""
        path = self.file(self.manifest.labels)
        try:
            return tuple(path.read_text("utf-8").splitlines())
        except UnicodeDecodeError as exc:
            raise BundleError(f"{path}: not text in UTF-8 ({exc.reason})") from exc

    @cached_property
    def anchors(self) -> NDArray[np.float32]:
        """float32 (count, 4): centre_y, centre_x, height, width, 0..1 of the input."""
        rule = self.manifest.decoder
        assert isinstance(rule, SsdRule)
        return read_anchors(self.file(rule.anchors))
