"""The build: from a network to a measured bundle."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from convert.build.bundle_writer import hash_files, write_manifest
from convert.build.check_run import Found
from convert.build.checker import Checker, ConvertedFile, as_sample
from convert.build.contract import contract_of
from convert.build.provenance import provenance_of
from convert.build.samples import write_samples
from convert.calibration.checks import linted_images
from convert.calibration.images import CalibrationInputs, calibration_images
from convert.catalogue import catalogue
from convert.models.base import Network
from convert.output_capture import quiet
from convert.quantization.candidate_spec import WeightBits
from convert.quantization.recipe import USUAL, Int8Method, Precision, Recipe
from convert.reference import REFERENCE_INTERPRETER, REFERENCE_VARIANT
from device.bundle.decoder_rules import SsdRule
from device.bundle.manifest import FORMAT, Manifest, Sample, Variant
from device.errors import InterpreterError
from device.runtimes import installed_interpreters

MAX_CHECK_IMAGES = 24
MAX_BIAS_IMAGES = 16  # enough for means, and a bound on memory: all are held at once
LABELS = "labels.txt"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Options of a build, as the flags of ``convert build`` give them."""

    precisions: tuple[Precision, ...]
    calibration: Path | None
    samples: int
    seed: int
    debug: bool
    half_arithmetic: bool = True
    integer_outputs: bool = False
    evaluation: Path | None = None
    int8: Int8Method = USUAL
    weight_bits: WeightBits = 8  # of int8's CONV_2D
    weight_clusters: int = 0  # that the weights of a layer of int8 take at most; 0: any number


@dataclass(frozen=True, slots=True)
class BuildImages:
    """Images of a build: for calibration, as samples that travel along, and to compare variants on.

    ``samples`` are in the bundle already, and the first of ``check``; ``named`` are the calibration
    images as provenance tells them.
    """

    calibration: Sequence[Path]
    samples: Sequence[Sample]
    check: Sequence[Path]
    inputs: CalibrationInputs
    named: Sequence[str]


def build(network: Network, bundle: Path, options: BuildOptions, say: Say) -> Manifest:
    """Fill the empty folder ``bundle``; ``say`` gets a line per step. Returns its manifest."""
    require_reference()
    say(f"weights     {network.source}" + ", every checksum right" * bool(network.weights_sha256))
    inputs = CalibrationInputs(network.input, network.input_name)
    calibration = _calibration_images(network, inputs, options, say)
    with quiet(options.debug):  # libpng has opinions on colour profiles
        samples = write_samples(bundle)
    sample_paths = [bundle / sample.file for sample in samples]
    others = [path for path in calibration if path.stem not in _sample_stems()]
    images = BuildImages(
        calibration=calibration,
        samples=samples,
        check=[*sample_paths, *others][:MAX_CHECK_IMAGES],
        inputs=inputs,
        named=[str(path) if options.calibration else path.name for path in calibration],
    )
    return build_variants(network, bundle, images, options, say)


def require_reference() -> None:
    """Raise ``InterpreterError`` where the interpreter that variants are checked in is missing."""
    if REFERENCE_INTERPRETER not in installed_interpreters():
        raise InterpreterError("ai-edge-litert is needed to check variants: pip install it")


def build_variants(
    network: Network, bundle: Path, images: BuildImages, options: BuildOptions, say: Say
) -> Manifest:
    """Fill ``bundle``, which holds the samples alone, with all else; returns its manifest."""
    contract = contract_of(network)
    with quiet(options.debug):  # libpng has opinions on colour profiles
        checker = Checker(contract, images.check)
    (bundle / LABELS).write_text("\n".join(network.labels) + "\n", "utf-8")
    made = _Variants(network, bundle, options, checker, say)
    made.make_all(images.inputs, images.calibration)
    manifest = Manifest(
        format=FORMAT,
        model=network.name,
        task=network.task,
        input=network.input,
        decoder=network.decoder,
        labels=LABELS,
        threshold=contract.threshold,
        max_detections=contract.max_detections,
        variants=made.variants,
        samples=_with_detections(images.samples, made.found),
        provenance=provenance_of(
            f"{network.title}; {network.source}",
            licence=network.licence,
            weights_sha256=network.weights_sha256,
            checked_on=len(checker.images),
            seed=options.seed,
            calibration=images.named,
            tools=("tensorflow", "keras"),
        ),
        files=hash_files(bundle),
        class_thresholds=dict(network.class_thresholds),
    )
    write_manifest(bundle, manifest)
    return manifest


def _calibration_images(
    network: Network, inputs: CalibrationInputs, options: BuildOptions, say: Say
) -> list[Path]:
    """The images that int8 is calibrated on, and that variants are compared on."""
    drawn = options.calibration, options.samples, options.seed
    if "int8" in options.precisions:
        return linted_images(*drawn, network.input, say, inputs.keep, options.evaluation)
    return calibration_images(*drawn, say)


@dataclass
class _Variants:
    """The variants of one build, and what each found on the check images."""

    network: Network
    bundle: Path
    options: BuildOptions
    checker: Checker
    say: Say
    variants: dict[str, Variant] = field(default_factory=dict)
    found: dict[str, list[Found]] = field(default_factory=dict)

    def make_all(self, inputs: CalibrationInputs, images: Sequence[Path]) -> None:
        """Convert each precision asked for, float32 first, and check them all."""
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            saved_model = Path(scratch) / "saved_model"
            self._export(saved_model)
            candidates = [
                self._convert(precision, saved_model, inputs, images)
                for precision in self.options.precisions
            ]
        self.say(f"checking    in {', '.join(installed_interpreters())}")
        found = self.checker.check_everywhere(candidates)
        for precision, (variant, seen) in zip(self.options.precisions, found, strict=True):
            self.variants[precision], self.found[precision] = variant, seen
        cosines = ", ".join(
            f"{name} {variant.checks[REFERENCE_INTERPRETER].cosine:.5f}"
            for name, variant in self.variants.items()
        )
        self.say(f"checked     cosine to float32: {cosines}")

    def _export(self, saved_model: Path) -> None:
        network = self.network
        with quiet(self.options.debug):  # TensorFlow talks while it is imported, and ever after
            parameters = network.export(saved_model)
        said = f"network     {parameters:,} parameters"
        if network.anchors is not None and isinstance(network.decoder, SsdRule):
            np.save(self.bundle / network.decoder.anchors, network.anchors)
            said += f", {len(network.anchors):,} anchors"
        self.say(said)

    def _convert(
        self,
        precision: Precision,
        saved_model: Path,
        inputs: CalibrationInputs,
        images: Sequence[Path],
    ) -> ConvertedFile:
        started = time.monotonic()
        recipe = _recipe(precision, len(images), self.options)
        file = self.bundle / f"{precision}.tflite"
        reference = self.bundle / f"{REFERENCE_VARIANT}.tflite"
        with quiet(self.options.debug):
            from convert.quantization.edge_tpu import what_is_mapped
            from convert.quantization.quantize import quantize

            float32 = None if file == reference else reference.read_bytes()
            dataset, value_range = inputs.dataset(images), self.network.input.value_range
            file.write_bytes(
                quantize(
                    saved_model, recipe, dataset, float32, value_range, logits=self.network.logits
                )
            )
        self.say(
            f"{precision:<11} {file.stat().st_size / 1e6:.2f} MB, converted in "
            f"{time.monotonic() - started:.1f} s"
        )
        if recipe.integer_outputs:
            self.say(f"edge tpu    {what_is_mapped(file.read_bytes())}")
        if file == reference:
            self.checker.set_reference(file)
        least_cosine = recipe.least_cosine if self.network.trained else None
        return ConvertedFile(file, recipe.to_json(), least_cosine)


def _recipe(precision: Precision, images: int, options: BuildOptions) -> Recipe:
    if precision != "int8":
        return Recipe(precision=precision, half_arithmetic=options.half_arithmetic)
    return Recipe(
        precision=precision,
        calibration_pictures=images,
        bias_pictures=min(images, MAX_BIAS_IMAGES),
        seed=options.seed,
        int8=options.int8,
        integer_outputs=options.integer_outputs,
        weight_bits=options.weight_bits,
        weight_clusters=options.weight_clusters,
    )


def _sample_stems() -> set[str]:
    images = catalogue().calibration["photographs"].images
    return {Path(image.file).stem for image in images if image.shows}


def _with_detections(
    samples: Sequence[Sample], found: Mapping[str, list[Found]]
) -> tuple[Sample, ...]:
    """Put what each variant found on the samples, which are the first check images."""
    return tuple(
        msgspec.structs.replace(
            sample,
            detections={variant: as_sample(items[number]) for variant, items in found.items()},
        )
        for number, sample in enumerate(samples)
    )
