"""Wrapping of a finished ``.tflite``: nothing is converted, all of it is checked.

There is no float32 to compare with, so the interpreters here are compared with each other: the
first that runs the file is what the others are measured against.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from convert.build.bundle_writer import hash_files, write_manifest
from convert.build.check_run import Answers, CheckRun, Found
from convert.build.checker import as_sample, compared
from convert.build.contract import Contract
from convert.build.provenance import provenance_of
from convert.build.samples import write_samples
from convert.catalogue import catalogue
from convert.errors import ConversionError
from convert.output_capture import quiet
from device.bundle.bare_model import BareModel
from device.bundle.decoder_rules import SsdRule
from device.bundle.hashes import sha256_of
from device.bundle.hints import Hints
from device.bundle.manifest import Check, Manifest, Sample
from device.errors import InterpreterError, UsageError
from device.inspection.recognition import recognise
from device.runtimes import InterpreterName

ANCHORS = "anchors.npy"
LABELS = "labels.txt"

Say = Callable[[str], None]


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
        provenance=provenance_of(
            f"finished file {path.name}",
            licence=model.manifest.provenance.licence,
            weights_sha256={path.name: sha256_of(path)},
            checked_on=len(images),
        ),
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
    run = CheckRun(_contract(model), images)
    tried = model.variant(model.default_variant).checks
    checks = dict(tried)
    reference: Answers | None = None
    for name, check in tried.items():
        if not check.ok:
            continue
        try:
            answers = run.answers(file, name)
            checks[name] = compared(answers, reference or answers)
            reference = reference or answers
        except (InterpreterError, ConversionError) as exc:
            checks[name] = Check(version=check.version, ok=False, reason=str(exc))
    if reference is None:
        reasons = "; ".join(check.reason for check in checks.values())
        raise ConversionError(f"{file.name} answers sensibly in no interpreter here: {reasons}")
    return checks, reference.found


def _contract(model: BareModel) -> Contract:
    manifest, heads = model.manifest, model.variant(model.default_variant).heads
    return Contract(
        task=manifest.task,
        input=manifest.input,
        decoder=manifest.decoder,
        labels=model.labels,
        heads=lambda _: heads,
        threshold=manifest.threshold,
        anchors=model.anchors if isinstance(manifest.decoder, SsdRule) else None,
        max_detections=manifest.max_detections,
    )
