"""A finished ``.tflite`` becomes a bundle: nothing is converted, all of it is checked.

There is no float32 to compare with, so the interpreters here are compared with each other: the
first that runs the file is what the others are measured against.
"""

from __future__ import annotations

import datetime
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.build.bundle_writer import hash_files, write_manifest
from convert.build.checker import Found, agreement, as_sample
from convert.build.parity import compare
from convert.build.provenance import machine, tool_versions
from convert.build.samples import write_samples
from convert.catalogue import catalogue
from convert.errors import ConversionError
from convert.output_capture import quiet
from device.bundle.bare_model import BareModel
from device.bundle.hashes import sha256_of
from device.bundle.hints import Hints
from device.bundle.manifest import Check, DetectionsHead, Manifest, Provenance, Sample
from device.errors import InterpreterError, UsageError
from device.images import read_image
from device.inference.candidates import dequantise
from device.inference.decode import make_decoder
from device.inference.engine import name_classes, name_detections
from device.inference.preprocess import Placement
from device.inference.probe import ProbeRequest, probe
from device.inspection.recognition import recognise
from device.records import Tensor
from device.runtimes import InterpreterName

ANCHORS = "anchors.npy"
LABELS = "labels.txt"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one interpreter answered on the check pictures."""

    version: str
    found: list[Found]
    values: Mapping[str, NDArray[np.float32]]  # of the outputs it is decoded from
    invoke_ms: float | None


def wrap(path: Path, hints: Hints, bundle: Path, say: Say, debug: bool = False) -> Manifest:
    """Fill the empty folder ``bundle`` with the model at ``path``; returns its manifest.

    Raises ``ModelError`` for a file that cannot be recognised, ``UsageError`` for what must be
    said with a flag, ``ConversionError`` where its answers are no numbers.
    """
    say("reading the model in every interpreter here, each in a process of its own")
    model = recognise(path, hints, every_interpreter=True)
    if model.guesses:
        raise UsageError(f"{path} does not say all of itself: {'; '.join(model.guesses)}")
    for finding in model.explanations:
        say(f"{finding.topic:<11} {' '.join(finding.what.split())} ({finding.why})")
    name = model.default_variant
    bare = model.variant(name)
    file = bundle / f"{name}.tflite"
    shutil.copyfile(path, file)
    (bundle / LABELS).write_text("\n".join(model.labels) + "\n", "utf-8")
    if model.anchors is not None:
        np.save(bundle / ANCHORS, model.anchors)
    with quiet(debug):  # libpng has opinions on colour profiles
        samples = write_samples(bundle)
        images = _check_images(bundle, samples)
        checks, found = _check(model, file, images)
    alike = [check.agreement for check in checks.values() if check.agreement is not None]
    say(
        f"{name:<11} {bare.size_bytes / 1e6:.2f} MB, wrapped as it is; no float32 to compare with: "
        f"{len(alike)} interpreters agree by at least {min(alike):.3f}"
    )
    variant = msgspec.structs.replace(
        bare,
        file=file.name,
        recipe={"precision": name, "wrapped": True},
        checks=checks,
    )
    manifest = msgspec.structs.replace(
        model.manifest,
        labels=LABELS,
        variants={name: variant},
        samples=tuple(
            msgspec.structs.replace(sample, detections={name: as_sample(items)})
            for sample, items in zip(samples, found, strict=False)  # the first check pictures
        ),
        provenance=_provenance(path, len(images)),
        files=hash_files(bundle),
    )
    write_manifest(bundle, manifest)
    return manifest


def _check_images(bundle: Path, samples: Sequence[Sample]) -> list[Path]:
    """The samples, then the catalogue's other photographs."""
    photographs = catalogue().calibration["photographs"]
    others = [photographs.path(item) for item in photographs.images if not item.shows]
    return [*(bundle / sample.file for sample in samples), *others]


def _check(
    model: BareModel, file: Path, images: Sequence[Path]
) -> tuple[dict[InterpreterName, Check], list[Found]]:
    """How each interpreter did beside the first, and what the first found."""
    tried = model.variant(model.default_variant).checks
    checks = dict(tried)
    reference: Answers | None = None
    for name, check in tried.items():
        if not check.ok:
            continue
        try:
            answers = _answers(model, file, name, images)
            checks[name] = _compare(answers, reference or answers)
            reference = reference or answers
        except (InterpreterError, ConversionError) as exc:
            checks[name] = Check(version=check.version, ok=False, reason=str(exc))
    if reference is None:
        reasons = "; ".join(check.reason for check in checks.values())
        raise ConversionError(f"{file.name} answers sensibly in no interpreter here: {reasons}")
    return checks, reference.found


def _answers(
    model: BareModel, file: Path, name: InterpreterName, images: Sequence[Path]
) -> Answers:
    manifest, variant = model.manifest, model.variant(model.default_variant)
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        request = ProbeRequest(
            model=str(file.resolve()),
            interpreter=name,
            rule=manifest.input,
            images=tuple(str(path.resolve()) for path in images),
            outputs=str(Path(scratch) / "outputs.npz"),
        )
        answer = probe(request)
        with np.load(str(request.outputs)) as arrays:
            outputs = {answer.outputs[key].position: arrays[key] for key in arrays}
    decode = make_decoder(variant.heads, manifest.decoder, model.anchors, manifest.input.size_wh)
    found: list[Found] = []
    for number, path in enumerate(images):
        tensors: list[Tensor] = [outputs[position][number] for position in range(len(outputs))]
        candidates = decode(tensors, manifest.threshold, manifest.max_detections)
        if manifest.task == "classification":
            found.append(name_classes(candidates, model.labels))
        else:
            height, width = read_image(path).shape[:2]
            placement = Placement.of(manifest.input, (width, height))
            found.append(name_detections(candidates, placement, model.labels))
    values = {
        str(spec.position): dequantise(outputs[spec.position], spec)
        for head in variant.heads
        if not isinstance(head, DetectionsHead)  # rows that swap places are no error
        for spec in head.tensors
    }
    return Answers(answer.version, found, values, answer.invoke_ms)


def _compare(answers: Answers, reference: Answers) -> Check:
    likeness = compare(answers.values, reference.values) if answers.values else None
    return Check(
        version=answers.version,
        ok=True,
        cosine=None if likeness is None else round(likeness.cosine, 6),
        error_p99=None if likeness is None else round(likeness.error_p99, 5),
        error_max=None if likeness is None else round(likeness.error_max, 5),
        agreement=round(agreement(answers.found, reference.found), 4),
        invoke_ms=None if answers.invoke_ms is None else round(answers.invoke_ms, 3),
    )


def _provenance(path: Path, checked_on: int) -> Provenance:
    names = ("numpy", "opencv-python-headless", "scikit-image")
    return Provenance(
        source=f"finished file {path.name}",
        licence="yours",
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine(),
        command=shlex.join(["python", "-m", "convert", *sys.argv[1:]]),
        seed=0,
        calibration=(),
        checked_on=checked_on,
        versions=tool_versions(names),
        weights_sha256={path.name: sha256_of(path)},
    )
