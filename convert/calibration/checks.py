"""Checks of calibration pictures before the slow part, and what is wrong with them.

int8 takes every activation's range from these pictures, so what is wrong with them is wrong
with the network, silently. A picture is looked at once, as the tensor that calibration feeds;
what is kept of it is a :class:`~convert.calibration.image_stats.ImageStats`, a few hundred bytes.

The thresholds were set on 817 photographs: 256 of COCO, 361 others of COCO val2017 and 200 of
ImageNet. No two different ones differ in fewer than 9 bits of their difference hash; the same
one with noise (sigma 10), brightened by 1.2, halved or saved again as JPEG of quality 50
differs in at most ``SAME_BITS`` in 98.8 % of cases or more. The one with the least contrast
spans 66 % of the brightness range.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from convert.calibration.image_stats import ImageStats, image_stats
from convert.calibration.images import calibration_images
from convert.duplicate_files import same_files
from convert.errors import CalibrationError
from device.bundle.manifest import InputRule
from device.errors import SourceError
from device.image_hash import SAME_BITS, bits_apart
from device.images import list_images, read_image
from device.records import Pixels

FEW = 8  # pictures; as many as calibrate by default
TOO_MANY = 0.3  # share of the pictures from which near-duplicates and dim ones are worth a word
FLAT_SPAN = 0.04  # of the brightness range, 10 of 255 levels: the noise of a covered lens
DIM_SPAN = 0.25
WARMTH_IMAGES = 20  # with fewer the average says little
WARMTH_SWAPPED = -0.2

Code = Literal[
    "dtype", "shape", "not-finite", "range", "none", "single", "few", "skipped", "flat", "same",
    "near-duplicates", "dim", "grey", "channel-order", "overlap",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CalibrationFinding:
    """One thing that is wrong; an error where int8 would be garbage."""

    severity: Literal["warning", "error"]
    code: Code
    message: str  # one line, with numbers and what to do


def _names(looks: Sequence[ImageStats]) -> str:
    """The first names, and how many more there are."""
    named = ", ".join(look.name for look in looks[:3])
    return named + (f" and {len(looks) - 3} more" if len(looks) > 3 else "")


def lint_count(count: int) -> list[CalibrationFinding]:
    """Whether ``count`` pictures are enough."""
    if count == 0:
        return [
            CalibrationFinding(
                "error", "none", "no calibration pictures: give some with --calibration"
            )
        ]
    if count == 1:
        message = (
            "1 calibration picture: int8 will fit that picture and distort all others; "
            f"give at least {FEW}, better 100, or leave out --calibration and --samples"
        )
        return [CalibrationFinding("warning", "single", message)]
    if count < FEW:
        message = (
            f"{count} calibration pictures are few, int8 may clip what they do not show; "
            f"give at least {FEW}, better 100"
        )
        return [CalibrationFinding("warning", "few", message)]
    return []


def _problems(looks: Sequence[ImageStats]) -> list[CalibrationFinding]:
    """Tensors that cannot be used at all: an error for each kind."""
    advice: dict[Code, str] = {
        "dtype": "convert them",
        "shape": "resize them to the model's input",
        "not-finite": "look for a division by zero in the normalisation",
        "range": "normalise them as the model's input rule says, once",
    }
    findings = []
    for code, todo in advice.items():
        bad = [look for look in looks if look.problem is not None and look.problem[0] == code]
        if bad:
            assert bad[0].problem is not None
            message = (
                f"{len(bad)} of {len(looks)} calibration inputs cannot be used ({_names(bad)}): "
                f"{bad[0].problem[1]}; {todo}"
            )
            findings.append(CalibrationFinding("error", code, message))
    return findings


def _contrast(looks: Sequence[ImageStats]) -> list[CalibrationFinding]:
    """Pictures of nothing, and pictures that leave most of the range unused."""
    count = len(looks)
    flat = [look for look in looks if look.span < FLAT_SPAN]
    if len(flat) == count:
        message = (
            f"all {count} calibration pictures are of one colour ({_names(flat)}): int8 would "
            "learn its ranges from nothing; give pictures like those the camera will see"
        )
        return [CalibrationFinding("error", "flat", message)]
    findings = []
    if flat:
        message = (
            f"{len(flat)} of {count} calibration pictures are of one colour ({_names(flat)}) "
            "and calibrate nothing; replace them"
        )
        findings.append(CalibrationFinding("warning", "flat", message))
    dim = [look for look in looks if FLAT_SPAN <= look.span < DIM_SPAN]
    if len(dim) > TOO_MANY * count:
        message = (
            f"{len(dim)} of {count} calibration pictures use less than {DIM_SPAN:.0%} of the "
            f"brightness range ({_names(dim)}): fog, night, or 10 to 14 bits in a 16-bit file; "
            "unless the camera sees the same, stretch them to the full range"
        )
        findings.append(CalibrationFinding("warning", "dim", message))
    return findings


def _colours(looks: Sequence[ImageStats]) -> list[CalibrationFinding]:
    """Grey pictures, and red and blue swapped."""
    grey = [look for look in looks if look.grey and look.span >= FLAT_SPAN]
    findings = []
    if len(grey) > len(looks) / 2:
        message = (
            f"{len(grey)} of {len(looks)} calibration pictures are grey ({_names(grey)}): "
            "unless the camera is, int8 may clip colours; give pictures in colour"
        )
        findings.append(CalibrationFinding("warning", "grey", message))
    coloured = [look.warmth for look in looks if not look.grey]
    if len(coloured) >= WARMTH_IMAGES and (mean := float(np.mean(coloured))) < WARMTH_SWAPPED:
        message = (
            f"red and blue may be swapped: the {len(coloured)} coloured calibration pictures lean "
            f"to blue ({mean:+.2f}; photographs have about +0.9, swapped ones -0.9); open one: if "
            "skin is blue, save them again in the right order, if not, ignore this"
        )
        findings.append(CalibrationFinding("warning", "channel-order", message))
    return findings


def _is_near(one: ImageStats, other: ImageStats) -> bool:
    return bits_apart(one.hash, other.hash) <= SAME_BITS


def _duplicates(looks: Sequence[ImageStats]) -> list[CalibrationFinding]:
    """Pictures that are there already."""
    count = len(looks)
    if count > 1 and len({look.digest for look in looks}) == 1:
        message = (
            f"all {count} calibration pictures are the same ({_names(looks)}): int8 would fit "
            f"that one only; give pictures unlike each other"
        )
        return [CalibrationFinding("error", "same", message)]
    unlike: list[ImageStats] = []
    repeated: list[ImageStats] = []
    for look in looks:
        if look.span >= FLAT_SPAN:  # the hash of a flat picture is noise
            (repeated if any(_is_near(look, other) for other in unlike) else unlike).append(look)
    if len(repeated) > TOO_MANY * count:
        message = (
            f"{len(repeated)} of {count} calibration pictures nearly repeat another "
            f"({_names(repeated)}), {len(unlike)} are unlike each other; "
            "take pictures further apart in time or place"
        )
        return [CalibrationFinding("warning", "near-duplicates", message)]
    return []


def _overlap(
    looks: Sequence[ImageStats], evaluation: Sequence[ImageStats]
) -> list[CalibrationFinding]:
    """Pictures that are evaluated on too, as the same file or as another encoding of it."""
    usable = [other for other in evaluation if other.span >= FLAT_SPAN]
    paths, others = ([look.path for look in side if look.path] for side in (looks, evaluation))
    files = set(same_files(paths, others))

    def same_image(look: ImageStats) -> bool:
        return look.span >= FLAT_SPAN and any(_is_near(look, other) for other in usable)

    exact = [look for look in looks if look.path in files]
    near = [look for look in looks if look not in exact and same_image(look)]
    if not exact and not near:
        return []
    message = (
        f"{len(exact) + len(near)} of {len(looks)} calibration pictures are evaluated on too "
        f"({_names([*exact, *near])}; {len(exact)} the same file, {len(near)} look the same): "
        "the accuracy of int8 will look better than it is; keep the two apart"
    )
    return [CalibrationFinding("warning", "overlap", message)]


def lint_calibration(
    images: Sequence[ImageStats], evaluation: Sequence[ImageStats] = ()
) -> list[CalibrationFinding]:
    """All that is wrong with the calibration ``pictures``; errors come first.

    ``evaluation`` are the pictures that accuracy is measured on. All were looked at with the
    rule of one model.

    Channel order is a guess, from the mean of :func:`warmth`: 0.9 over the photographs, -0.9
    with red and blue swapped. Of 20,000 random draws of 20 coloured ones none was suspected as
    it is, and 99.7 % were when swapped; of draws of 50 and of 100, none and all. Pictures all of
    one kind may well lean to blue by themselves (under water, snow, aircraft: the 20 bluest of
    the photographs do), hence a warning. Below 20 pictures nothing is said.
    """
    problems = _problems(images)
    if problems:
        return problems
    findings = lint_count(len(images))
    if images:
        findings += _contrast(images)
        # Flat pictures are alike and grey anyway: that they are flat says it all.
        if not any(finding.severity == "error" for finding in findings):
            findings += _duplicates(images)
            findings += _colours(images)
        findings += _overlap(images, evaluation)
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _stats_of_folder(folder: Path, rule: InputRule) -> list[ImageStats]:
    """All pictures in ``folder`` that can be read. Raises :class:`CalibrationError`."""
    if not folder.is_dir():
        raise CalibrationError(f"--evaluation {folder}: no such folder")
    looks = []
    for path in tqdm(list_images(folder), desc="evaluation", leave=False, disable=None):
        with contextlib.suppress(SourceError):  # it will not be evaluated on either
            looks.append(image_stats(path, read_image(path), rule))
    return looks


def linted_images(
    folder: Path | None,
    samples: int,
    seed: int,
    rule: InputRule,
    say: Callable[[str], None],
    keep: Callable[[Path, Pixels], None] | None = None,
    evaluation: Path | None = None,
) -> list[Path]:
    """Choose as :func:`calibration_images` does, and look at each picture while it is decoded.

    ``say`` gets a line per picture passed over and per warning, ``keep`` each picture decoded.
    ``evaluation`` is a folder of pictures that are to be kept apart. The catalogue's photographs
    are known by their checksums and only counted. Raises :class:`CalibrationError` where there
    are no pictures, or they would make int8 garbage.
    """
    looks: list[ImageStats] = []
    skipped: list[str] = []

    def look(path: Path, pixels: Pixels) -> None:
        looks.append(image_stats(path, pixels, rule))
        if keep is not None:
            keep(path, pixels)

    def skip(message: str) -> None:
        skipped.append(message)
        say(message)

    images = calibration_images(folder, samples, seed, skip, look)
    findings = lint_count(len(images))
    if folder is not None:
        findings = lint_calibration(looks, _stats_of_folder(evaluation, rule) if evaluation else ())
    if skipped:
        message = (
            f"{len(skipped)} of {len(skipped) + len(images)} pictures were passed over, as "
            "named above; mend or remove them if they should count"
        )
        findings.append(CalibrationFinding("warning", "skipped", message))
    for finding in findings:
        if finding.severity == "warning":
            say(f"warning: {finding.message}")
    errors = [finding.message for finding in findings if finding.severity == "error"]
    if errors:
        raise CalibrationError("; ".join(errors))
    return images
