"""A bundle whose network takes microseconds, so that what surrounds it can run a million frames.

It finds the colours of its own samples, which the demo shows in turn: an object comes, stays for
2.5 seconds of the demo's time, and is gone for longer than a visit outlives it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np

from device.bundle.bundle import MANIFEST
from device.bundle.hashes import sha256_of
from device.bundle.hints import Hints
from device.bundle.manifest import Sample, format_manifest
from device.inspection.recognition import recognise
from tests.helpers import tiny_models

NOTHING_SHOWN = 3  # samples in which there is nothing, after each in which there is something


def write_colour_bundle(folder: Path) -> Path:
    """Write the bundle; returns ``folder``."""
    (folder / "samples").mkdir(parents=True)
    model, labels = folder / "int8.tflite", folder / "labels.txt"
    model.write_bytes(tiny_models.ssd())
    labels.write_text(tiny_models.LABELS)
    found = recognise(model, Hints(labels=str(labels)))
    samples = []
    for number, colour in enumerate(tiny_models.COLOURS_BGR.values()):
        for turn in range(1 + NOTHING_SHOWN):
            name = f"samples/{number}-{turn}.png"
            shown = colour if turn == 0 else (0, 0, 0)
            cv2.imwrite(str(folder / name), _noisy(shown, seed=4 * number + turn))
            samples.append(Sample(file=name, title=name, licence="CC0", source="made"))
    manifest = found.manifest
    (variant,) = manifest.variants.values()
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = msgspec.structs.replace(
        manifest,
        labels=labels.name,
        variants={"int8": variant},
        samples=tuple(samples),
        files=files,
    )
    (folder / MANIFEST).write_bytes(format_manifest(manifest))
    return folder


def _noisy(colour_bgr: tuple[int, int, int], seed: int) -> np.ndarray:
    """320x240 pixels about a colour: an encoder has something to do."""
    noise = np.random.default_rng(seed).integers(-20, 20, (240, 320, 3))
    return np.clip(np.array(colour_bgr) + noise, 0, 255).astype(np.uint8)
