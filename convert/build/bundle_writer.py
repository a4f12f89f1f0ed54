"""The writer of bundles: whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from convert.errors import ConversionError
from device.bundle.bundle import MANIFEST, Bundle
from device.bundle.hashes import sha256_of
from device.bundle.manifest import Manifest, format_manifest
from device.errors import LiteberryError


@contextlib.contextmanager
def staged_bundle(target: Path) -> Iterator[Path]:
    """A scratch folder beside ``target`` that takes its place when the block ends well.

    Until then, and if the block raises, what was at ``target`` stays. Raises
    :class:`ConversionError` where ``target`` is something other than a bundle, or cannot be
    written.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        occupied = not target.is_dir() or any(target.iterdir())
        if occupied:
            raise ConversionError(
                f"{target} exists and is not a bundle: choose another --out, or remove it yourself"
            )
    new_folders = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    except OSError as exc:
        raise ConversionError(f"{target.parent} cannot be written: {exc.strerror}") from exc
    try:
        bundle = scratch / "new"
        bundle.mkdir()
        yield bundle
        Bundle(bundle).verify()
        old = scratch / "old"
        try:
            if target.exists():
                target.rename(old)
            bundle.rename(target)
        except BaseException:  # Ctrl-C too: the old bundle lies in the scratch folder now
            if old.exists() and not target.exists():
                old.rename(target)
            raise
    except LiteberryError:  # some are OSErrors too, and say what is wrong
        raise
    except OSError as exc:
        raise ConversionError(f"{target} could not be written: {exc.strerror}") from exc
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in new_folders:  # nearest first; those with something in them stay
            with contextlib.suppress(OSError):
                folder.rmdir()


def hash_files(bundle: Path) -> dict[str, str]:
    """sha256 of every file in ``bundle``, by its path relative to it."""
    return {
        str(path.relative_to(bundle)): sha256_of(path)
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def write_manifest(bundle: Path, manifest: Manifest) -> None:
    """Write ``manifest`` last: a folder without it is no bundle."""
    (bundle / MANIFEST).write_bytes(format_manifest(manifest))
