"""The main job: from named weights to a measured bundle."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.agreement import f1
from convert.anchors import ANCHORS_PER_CELL, GRID_SIZES, ssd_anchors
from convert.bundle_writer import hash_files, staged_bundle, write_manifest
from convert.calibration import calibration_pictures, representative_dataset
from convert.catalogue import catalogue
from convert.errors import ConversionError
from convert.fetch import weights_folder
from convert.parity import least_cosine, real_outputs
from convert.quiet import quiet
from convert.recipe import Precision, Recipe
from convert.samples import write_samples
from convert.zoo import ZooModel
from device.camera import read_picture
from device.decode import SsdDecoder
from device.errors import InterpreterError
from device.interpreter import installed_interpreters
from device.manifest import (
    FORMAT,
    Check,
    InterpreterName,
    Manifest,
    Provenance,
    Sample,
    SampleDetection,
    SsdHead,
    SsdRule,
    TensorSpec,
    Variant,
)
from device.preprocess import Placement
from device.probe import ProbeAnswer, ProbeRequest, probe
from device.records import Detection, Tensor

REFERENCE: InterpreterName = "litert"
MAX_CHECK_PICTURES = 24
MAX_BIAS_PICTURES = 16  # enough for means, and a bound on memory: all are held at once
INPUT_NAME = "image"
THRESHOLD = 0.5
MAX_DETECTIONS = 100

DECODER = SsdRule(
    anchors="anchors.npy",
    box_scales=(10.0, 10.0, 5.0, 5.0),
    background=0,
    iou_threshold=0.6,
)

Say = Callable[[str], None]
RealOutputs = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the user asked ``convert build`` for."""

    model: ZooModel
    out: Path
    precisions: tuple[Precision, ...]
    weights: Path | None
    calibration: Path | None
    samples: int
    seed: int
    debug: bool


def ssd_heads(outputs: Mapping[str, TensorSpec]) -> tuple[SsdHead, ...]:
    """Join the outputs ``boxes_0``, ``scores_0``, ... to heads, finest feature map first."""
    heads = []
    first_anchor = 0
    for level, (cells, per_cell) in enumerate(zip(GRID_SIZES, ANCHORS_PER_CELL, strict=True)):
        anchors = cells * cells * per_cell
        heads.append(
            SsdHead(
                boxes=outputs[f"boxes_{level}"],
                scores=outputs[f"scores_{level}"],
                first_anchor=first_anchor,
                anchors=anchors,
            )
        )
        first_anchor += anchors
    return tuple(heads)


class Checker:
    """Holds what float32 answered on the check pictures, and compares variants with it."""

    def __init__(self, model: ZooModel, pictures: Sequence[Path], labels: Sequence[str]) -> None:
        self.pictures = tuple(pictures)
        self._model = model
        self._labels = labels
        self._shapes = [read_picture(path).shape for path in pictures]
        self._anchors = ssd_anchors()
        self._reference: RealOutputs | None = None
        self._reference_detections: list[tuple[Detection, ...]] = []

    def _run(
        self, file: Path, interpreter: InterpreterName
    ) -> tuple[ProbeAnswer, dict[str, Tensor]]:
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            outputs = Path(scratch) / "outputs.npz"
            request = ProbeRequest(
                model=str(file.resolve()),
                interpreter=interpreter,
                rule=self._model.input,
                pictures=tuple(str(path.resolve()) for path in self.pictures),
                outputs=str(outputs),
            )
            answer = probe(request)
            with np.load(outputs) as arrays:
                return answer, dict(arrays)

    def detections(
        self, answer: ProbeAnswer, outputs: Mapping[str, Tensor]
    ) -> list[tuple[Detection, ...]]:
        """Decode stored ``outputs``: a tuple of detections per check picture."""
        decode = SsdDecoder(ssd_heads(answer.outputs), self._anchors, DECODER)
        by_position = sorted(outputs, key=lambda name: answer.outputs[name].position)
        rule = self._model.input
        found = []
        for number, (height, width, _) in enumerate(self._shapes):
            tensors = [outputs[name][number] for name in by_position]
            candidates = decode(tensors, THRESHOLD, MAX_DETECTIONS)
            placement = Placement.stretch((width, height), (rule.width, rule.height))
            boxes = placement.to_source(candidates.boxes * ((rule.width, rule.height) * 2))
            found.append(
                tuple(
                    Detection(class_id, self._labels[class_id], score, *box)
                    for class_id, score, box in zip(
                        candidates.class_ids.tolist(),
                        candidates.scores.tolist(),
                        boxes.tolist(),
                        strict=True,
                    )
                )
            )
        return found

    def check(
        self, file: Path, recipe: Recipe, interpreter: InterpreterName
    ) -> tuple[Check, ProbeAnswer, list[tuple[Detection, ...]]]:
        """Run ``file`` in ``interpreter`` and compare it with float32 in the reference.

        The first file checked must be float32 itself, and becomes what others are compared
        with. Raises ``InterpreterError`` or :class:`ConversionError` with what is wrong.
        """
        answer, outputs = self._run(file, interpreter)
        real = real_outputs(outputs, answer.outputs)
        detections = self.detections(answer, outputs)
        if self._reference is None:
            assert recipe.precision == "float32"
            least_cosine(real, real)  # finite, and not the same on every picture
            self._reference, self._reference_detections = real, detections
        cosine = least_cosine(real, self._reference)
        if cosine < recipe.least_cosine:
            raise ConversionError(
                f"{recipe.precision} in {interpreter} is no longer the same network: cosine "
                f"{cosine:.5f} to float32, at least {recipe.least_cosine} is expected"
            )
        check = Check(
            version=answer.version,
            ok=True,
            cosine=round(cosine, 6),
            agreement=round(f1(detections, self._reference_detections), 4),
            invoke_ms=None if answer.invoke_ms is None else round(answer.invoke_ms, 3),
        )
        return check, answer, detections


def check_everywhere(
    checker: Checker, file: Path, recipe: Recipe
) -> tuple[Variant, list[tuple[Detection, ...]]]:
    """Check one variant in every interpreter installed here, each run in its own process.

    Returns the variant and its detections on the check pictures in LiteRT. Raises where it
    fails in LiteRT; a failure elsewhere is recorded.
    """
    check, answer, detections = checker.check(file, recipe, REFERENCE)
    checks: dict[InterpreterName, Check] = {REFERENCE: check}
    for name, version in installed_interpreters().items():
        if name == REFERENCE:
            continue
        try:
            checks[name], _, _ = checker.check(file, recipe, name)
        except (InterpreterError, ConversionError) as exc:
            checks[name] = Check(version=version, ok=False, reason=str(exc))
    variant = Variant(
        file=file.name,
        size_bytes=file.stat().st_size,
        recipe=recipe.to_json(),
        input=answer.input,
        heads=ssd_heads(answer.outputs),
        checks=checks,
    )
    return variant, detections


def build(options: BuildOptions, say: Say) -> Manifest:
    """Do it all; ``say`` gets a line per step. Returns the manifest of the finished bundle."""
    model, precisions = options.model, options.precisions
    if REFERENCE not in installed_interpreters():
        raise InterpreterError("ai-edge-litert is needed to check variants: pip install it")
    folder, source = weights_folder(model, options.weights)
    say(f"weights     {source}, every checksum right")
    pictures = calibration_pictures(options.calibration, options.samples, options.seed, say)
    labels = catalogue().labels[model.labels].read()
    with (
        staged_bundle(options.out) as bundle,
        tempfile.TemporaryDirectory(prefix="liteberry-") as scratch,
    ):
        with quiet(options.debug):  # libpng has opinions on colour profiles
            samples = write_samples(bundle)
            sample_paths = [bundle / sample.file for sample in samples]
            others = [path for path in pictures if path.stem not in _sample_stems()]
            checker = Checker(model, [*sample_paths, *others][:MAX_CHECK_PICTURES], labels)

        saved_model = Path(scratch) / "saved_model"
        parameters = _export_network(folder, len(labels), saved_model, options.debug)
        anchors = ssd_anchors()
        say(f"network     {parameters:,} parameters, {len(anchors):,} anchors")
        np.save(bundle / DECODER.anchors, anchors)
        (bundle / "labels.txt").write_text("\n".join(labels) + "\n", "utf-8")

        variants: dict[str, Variant] = {}
        found: dict[str, list[tuple[Detection, ...]]] = {}
        for precision in precisions:
            started = time.monotonic()
            recipe = Recipe(
                precision=precision,
                calibration_pictures=len(pictures) if precision == "int8" else 0,
                bias_pictures=min(len(pictures), MAX_BIAS_PICTURES) if precision == "int8" else 0,
                seed=options.seed,
            )
            file = bundle / f"{precision}.tflite"
            float32 = None if precision == "float32" else (bundle / "float32.tflite").read_bytes()
            dataset = representative_dataset(pictures, model.input, INPUT_NAME)
            with quiet(options.debug):
                from convert.quantize import quantize

                file.write_bytes(quantize(saved_model, recipe, dataset, float32))
            converted = time.monotonic()
            variants[precision], found[precision] = check_everywhere(checker, file, recipe)
            check = variants[precision].checks[REFERENCE]
            say(
                f"{precision:<11} {variants[precision].size_bytes / 1e6:.2f} MB, converted in "
                f"{converted - started:.1f} s, checked in {time.monotonic() - converted:.1f} s: "
                f"cosine {check.cosine:.5f}"
            )
        manifest = Manifest(
            format=FORMAT,
            model=model.name,
            task=model.task,
            input=model.input,
            decoder=DECODER,
            labels="labels.txt",
            threshold=THRESHOLD,
            max_detections=MAX_DETECTIONS,
            variants=variants,
            samples=_with_detections(samples, found),
            provenance=_provenance(options, source, pictures, len(checker.pictures)),
            files=hash_files(bundle),
        )
        write_manifest(bundle, manifest)
    return manifest


def _sample_stems() -> set[str]:
    pictures = catalogue().calibration["photographs"].pictures
    return {Path(picture.file).stem for picture in pictures if picture.shows}


def _export_network(weights: Path, num_classes: int, saved_model: Path, debug: bool) -> int:
    """Build the network, load its weights, export it; returns its number of parameters."""
    with quiet(debug):  # importing TensorFlow talks too
        from convert.ssdlite import build_ssdlite
        from convert.weights import load_ssdlite, read_graph_model

        network = build_ssdlite(num_classes)
        load_ssdlite(network, read_graph_model(weights))
        network.export(str(saved_model), verbose=False)
        return int(network.count_params())


def _with_detections(
    samples: list[Sample], found: Mapping[str, list[tuple[Detection, ...]]]
) -> tuple[Sample, ...]:
    """Put what each variant found on the samples, which are the first check pictures."""
    return tuple(
        msgspec.structs.replace(
            sample,
            detections={
                variant: tuple(
                    SampleDetection(
                        label=item.label,
                        score=round(item.score, 4),
                        box=tuple(round(side, 1) for side in item.box),  # type: ignore[arg-type]
                    )
                    for item in detections[number]
                )
                for variant, detections in found.items()
            },
        )
        for number, sample in enumerate(samples)
    )


def _provenance(
    options: BuildOptions, source: str, pictures: Sequence[Path], checked_on: int
) -> Provenance:
    names = ("tensorflow", "keras", "numpy", "opencv-python-headless", "scikit-image")
    own_pictures = options.calibration is not None
    return Provenance(
        source=f"{options.model.title}; {source}",
        licence=options.model.licence,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        command=shlex.join(["python", "-m", "convert", *sys.argv[1:]]),
        seed=options.seed,
        calibration=tuple(str(path) if own_pictures else path.name for path in pictures),
        checked_on=checked_on,
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in names},
        weights_sha256=dict(options.model.files),
    )


def _machine() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} ({platform.machine()})"
