"""The main job: from named weights to a measured bundle."""

from __future__ import annotations

import datetime
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from convert.build.bundle_writer import hash_files, write_manifest
from convert.build.checker import MAX_DETECTIONS, REFERENCE, THRESHOLD, Checker, Found, as_sample
from convert.build.provenance import machine, tool_versions
from convert.build.samples import write_samples
from convert.calibration.checks import linted_images
from convert.calibration.images import CalibrationInputs, calibration_images
from convert.catalogue import catalogue
from convert.models.base import Network
from convert.output_capture import quiet
from convert.quantization.recipe import Precision, Recipe
from device.bundle.manifest import FORMAT, Manifest, Provenance, Sample, SsdRule, Variant
from device.errors import InterpreterError
from device.runtimes import installed_interpreters

MAX_CHECK_IMAGES = 24
MAX_BIAS_IMAGES = 16  # enough for means, and a bound on memory: all are held at once
CLASS_THRESHOLD = 0.1  # of a classifier, whose scores are spread over its classes

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the user asked ``convert build`` for."""

    precisions: tuple[Precision, ...]
    calibration: Path | None
    samples: int
    seed: int
    debug: bool
    half_arithmetic: bool = True
    integer_outputs: bool = False
    evaluation: Path | None = None


def build(network: Network, bundle: Path, options: BuildOptions, say: Say) -> Manifest:
    """Fill the empty folder ``bundle``; ``say`` gets a line per step. Returns its manifest."""
    if REFERENCE not in installed_interpreters():
        raise InterpreterError("ai-edge-litert is needed to check variants: pip install it")
    say(f"weights     {network.source}" + ", every checksum right" * bool(network.weights_sha256))
    drawn = options.calibration, options.samples, options.seed
    inputs = CalibrationInputs(network.input, network.input_name)
    if "int8" in options.precisions:
        images = linted_images(*drawn, network.input, say, inputs.keep, options.evaluation)
    else:  # nothing is calibrated: the pictures only compare variants
        images = calibration_images(*drawn, say)
    dataset = inputs.dataset(images)
    threshold = THRESHOLD if network.task == "detection" else CLASS_THRESHOLD
    with quiet(options.debug):  # libpng has opinions on colour profiles
        samples = write_samples(bundle)
        sample_paths = [bundle / sample.file for sample in samples]
        others = [path for path in images if path.stem not in _sample_stems()]
        to_check = [*sample_paths, *others][:MAX_CHECK_IMAGES]
        checker = Checker(network, to_check, threshold)
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        saved_model = Path(scratch) / "saved_model"
        with quiet(options.debug):  # TensorFlow talks while it is imported, and ever after
            parameters = network.export(saved_model)
        said = f"network     {parameters:,} parameters"
        if network.anchors is not None and isinstance(network.decoder, SsdRule):
            np.save(bundle / network.decoder.anchors, network.anchors)
            said += f", {len(network.anchors):,} anchors"
        say(said)
        (bundle / "labels.txt").write_text("\n".join(network.labels) + "\n", "utf-8")

        variants: dict[str, Variant] = {}
        found: dict[str, list[Found]] = {}
        for precision in options.precisions:
            started = time.monotonic()
            recipe = _recipe(precision, len(images), options)
            file = bundle / f"{precision}.tflite"
            float32 = None if precision == "float32" else (bundle / "float32.tflite").read_bytes()
            with quiet(options.debug):
                from convert.quantization.quantize import quantize

                file.write_bytes(quantize(saved_model, recipe, dataset, float32))
            converted = time.monotonic()
            variants[precision], found[precision] = checker.check_everywhere(file, recipe)
            check = variants[precision].checks[REFERENCE]
            say(
                f"{precision:<11} {variants[precision].size_bytes / 1e6:.2f} MB, converted in "
                f"{converted - started:.1f} s, checked in {time.monotonic() - converted:.1f} s: "
                f"cosine {check.cosine:.5f}"
            )
    manifest = Manifest(
        format=FORMAT,
        model=network.name,
        task=network.task,
        input=network.input,
        decoder=network.decoder,
        labels="labels.txt",
        threshold=threshold,
        max_detections=MAX_DETECTIONS,
        variants=variants,
        samples=_with_detections(samples, found),
        provenance=_provenance(network, options, images, len(checker.images)),
        files=hash_files(bundle),
    )
    write_manifest(bundle, manifest)
    return manifest


def _recipe(precision: Precision, images: int, options: BuildOptions) -> Recipe:
    if precision != "int8":
        return Recipe(precision=precision, half_arithmetic=options.half_arithmetic)
    return Recipe(
        precision=precision,
        calibration_pictures=images,
        bias_pictures=min(images, MAX_BIAS_IMAGES),
        seed=options.seed,
        integer_outputs=options.integer_outputs,
    )


def _sample_stems() -> set[str]:
    images = catalogue().calibration["photographs"].images
    return {Path(image.file).stem for image in images if image.shows}


def _with_detections(samples: list[Sample], found: Mapping[str, list[Found]]) -> tuple[Sample, ...]:
    """Put what each variant found on the samples, which are the first check pictures."""
    return tuple(
        msgspec.structs.replace(
            sample,
            detections={variant: as_sample(items[number]) for variant, items in found.items()},
        )
        for number, sample in enumerate(samples)
    )


def _provenance(
    network: Network, options: BuildOptions, images: Sequence[Path], checked_on: int
) -> Provenance:
    names = ("tensorflow", "keras", "numpy", "opencv-python-headless", "scikit-image")
    own_images = options.calibration is not None
    return Provenance(
        source=f"{network.title}; {network.source}",
        licence=network.licence,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine(),
        command=shlex.join(["python", "-m", "convert", *sys.argv[1:]]),
        seed=options.seed,
        calibration=tuple(str(path) if own_images else path.name for path in images),
        checked_on=checked_on,
        versions=tool_versions(names),
        weights_sha256=dict(network.weights_sha256),
    )
