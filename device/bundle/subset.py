"""A bundle cut down to some of its variants, for a device that needs no more.

    python -m device.bundle.subset FOLDER VARIANT,VARIANT

is what ``deploy.sh --variants`` runs on the device, in the release that it makes there.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path, PurePath

import msgspec

from device.bundle.bundle import MANIFEST, Bundle
from device.bundle.manifest import format_manifest
from device.errors import BundleError, LiteberryError
from device.system.atomic_file import write_whole


def keep_variants(folder: Path, names: Collection[str]) -> None:
    """Rewrite the manifest for the variants ``names`` alone, and remove the files of the others.

    All is checked before anything is changed: what a manifest calls a variant's file is removed
    only if it is a model in the bundle's own folder. Raises :class:`UsageError` for a variant
    that the bundle lacks, :class:`BundleError` for a manifest that cannot be trusted.
    """
    bundle = Bundle(folder)
    for name in names:
        bundle.variant(name)
    manifest = bundle.manifest
    kept = {name: item for name, item in manifest.variants.items() if name in names}
    superfluous = {item.file for item in manifest.variants.values()}
    superfluous -= {item.file for item in kept.values()}
    for file in superfluous:
        if PurePath(file).name != file or PurePath(file).suffix != ".tflite":
            raise BundleError(
                f"{folder}: the manifest names {file} as a variant's file, which is no model in "
                "the bundle's own folder; build the bundle again"
            )
    samples = tuple(
        msgspec.structs.replace(
            sample,
            detections={name: found for name, found in sample.detections.items() if name in kept},
        )
        for sample in manifest.samples
    )
    files = {name: digest for name, digest in manifest.files.items() if name not in superfluous}
    cut_down = msgspec.structs.replace(manifest, variants=kept, samples=samples, files=files)
    # A new file under its name: a link to the old one, in another release, keeps what it names.
    write_whole(folder / MANIFEST, format_manifest(cut_down), "make room and try again")
    for file in superfluous:
        (folder / file).unlink(missing_ok=True)


def main(folder: str, names: str) -> None:
    """The command line."""
    try:
        keep_variants(Path(folder), names.split(","))
    except (LiteberryError, OSError) as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main(*sys.argv[1:])
