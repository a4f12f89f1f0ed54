"""Recognition of other people's models: a bare ``.tflite`` understood as far as a bundle tells.

What comes out is a bundle that was never written: the engine and everything behind it take it as
one. What nobody could tell is guessed by convention and said aloud, or asked for with a flag.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.bundle.anchors import read_anchors
from device.bundle.bare_model import BareModel
from device.bundle.decoder_rules import ClassifierRule, DenseRule, Rule, SsdRule
from device.bundle.defaults import (
    CROP_FRACTION,
    MAX_DETECTIONS,
    SSD_BOX_SCALES,
    SSD_IOU_THRESHOLD,
    SURE_THRESHOLD,
    YOLO_THRESHOLD,
    threshold_for,
)
from device.bundle.hashes import sha256_of
from device.bundle.hints import Hints
from device.bundle.labels import is_placeholder, parse_labels, read_label_file
from device.bundle.manifest import (
    FORMAT,
    Check,
    InputRule,
    Manifest,
    Provenance,
    Resize,
    Variant,
)
from device.compiled_model import EDGE_TPU_LIBRARY, is_compiled_for_edge_tpu
from device.errors import BundleError, InterpreterError, ModelError, UsageError
from device.inspection.describe import ClassNames, explain
from device.inspection.image_input import ImageInput, image_input
from device.inspection.other_kinds import kind_by_shapes, missing_operator
from device.inspection.output_heads import understand
from device.inspection.output_roles import Output
from device.inspection.tflite_facts import FileFacts
from device.inspection.tflite_metadata import ModelMetadata
from device.inspection.trial_run import Examination, examine
from device.inspection.understanding import Understanding
from device.runtimes import INSTALL_LITERT, InterpreterName, installed_interpreters


def recognise(
    path: Path,
    hints: Hints | None = None,
    interpreter: InterpreterName | Literal["auto"] = "auto",
    *,
    delegate: str | None = None,
    every_interpreter: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> BareModel:
    """Understand the model at ``path``; it is first loaded in processes of their own.

    The first interpreter that runs it is enough, unless ``every_interpreter`` is to be tried;
    ``delegate`` is the library that they are to load, a compiled model's own where it is None.
    ``say`` is told before the part that takes seconds on a Pi.
    Raises ``ModelError`` where it is damaged, runs nowhere or cannot be understood, ``UsageError``
    for flags that do not fit it.
    """
    hints = hints or Hints()
    try:
        sha256 = sha256_of(path)
    except OSError as exc:
        raise ModelError(f"{path}: {exc.strerror}") from exc
    # First what is soon found missing.
    if sys.maxsize < 1 << 32 and "litert" not in installed_interpreters():
        raise ModelError(
            f"{path}: a bare model is read by LiteRT, which has no wheel for 32 bits: make a "
            f"bundle of it on a laptop, python -m convert build {path.name}, and deploy that"
        )
    label_text, anchors = _label_text(hints, say), _anchors(hints)
    where = "every interpreter here, each in a process" if every_interpreter else "a process"
    say(f"reading {path.name} in {where} of its own")
    untried = list(installed_interpreters()) if interpreter == "auto" else [interpreter]
    seen: Examination | None = None
    checks: dict[InterpreterName, Check] = {}
    while untried and seen is None:
        name = untried.pop(0)
        seen, checks[name] = _try(path, hints, name, delegate)
    if seen is None:
        reasons = "; ".join(check.reason for check in checks.values()) or "there is none"
        if "crashed" in reasons and (delegate is not None or is_compiled_for_edge_tpu(path)):
            raise ModelError(
                f"{path} with the delegate {Path(delegate or EDGE_TPU_LIBRARY).name}: {reasons}. "
                "It was likely built for another version: get one built for this interpreter"
            )
        if (needed := missing_operator(reasons)) is not None:
            raise ModelError(f"{path} runs in no interpreter here: {needed} ({reasons})")
        raise ModelError(
            f"{path} runs in no interpreter here ({reasons}). It may be damaged, or need another "
            f"one: {INSTALL_LITERT}"
        )
    assert seen.facts is not None
    try:
        fitted = _input_of(seen.facts, seen.metadata, hints)
        outputs = _outputs(seen.facts, seen)
        found = understand(
            outputs,
            hints,
            None if anchors is None else len(anchors),
            fitted.rule.size_wh,
            seen.metadata.notes,
            _names_count(seen.metadata, label_text),
            seen.metadata.corners,
        )
        if found.family:
            fitted = image_input(seen.facts, seen.metadata, hints, found.family)
        if found.classes is None:  # the operator that found them may know
            found = replace(found, classes=seen.facts.classes)
    except ModelError as exc:
        raise ModelError(f"{path}: {exc}") from exc
    names = _labels(found, seen, hints, label_text)
    rule = _fit(fitted.rule, found, hints.resize)
    assert seen.input is not None
    if every_interpreter:
        checks |= {name: _try(path, hints, name, delegate)[1] for name in untried}
    variant = Variant(
        file=path.name,
        size_bytes=path.stat().st_size,
        recipe={"precision": seen.facts.contents},
        operators=seen.facts.operators,
        input=seen.input,
        heads=found.heads,
        checks=checks,
    )
    decoder = _decoder(found, names.labels)
    manifest = Manifest(
        format=FORMAT,
        model=path.stem,
        task=found.task,
        input=rule,
        decoder=decoder,
        labels="",
        threshold=_threshold(found, decoder),
        max_detections=MAX_DETECTIONS,
        variants={seen.facts.contents: variant},
        samples=(),
        provenance=_provenance(path, seen.metadata),
        files={path.name: sha256},
    )
    explanations = explain(seen, fitted, found, rule, names, asked=hints.resize is not None)
    guesses = (*fitted.guesses, *found.guesses, *names.guesses)
    labels = names.labels or tuple(f"class {number}" for number in range(found.classes or 0))
    return BareModel(
        path, manifest, labels, anchors, explanations, guesses, seen.metadata.complaint
    )


def _input_of(facts: FileFacts, metadata: ModelMetadata, hints: Hints) -> ImageInput:
    """:func:`.image_input`, whose refusal also says what the model is, where its outputs tell."""
    try:
        return image_input(facts, metadata, hints)
    except ModelError as exc:
        kind = kind_by_shapes([tensor.shape for tensor in facts.outputs], (0, 0))
        if kind is None:
            raise
        raise ModelError(f"{kind}; {exc}") from exc


def _try(
    path: Path, hints: Hints, name: InterpreterName, delegate: str | None
) -> tuple[Examination | None, Check]:
    """What was seen in one interpreter, None where it does not run there, and how it did."""
    try:
        seen = examine(path, name, hints, delegate)
    except InterpreterError as exc:
        version = installed_interpreters().get(name, "")
        return None, Check(version=version, ok=False, reason=str(exc))
    if seen.unreadable:
        raise ModelError(seen.unreadable)
    return seen, Check(version=seen.version, ok=True)


def _outputs(facts: FileFacts, seen: Examination) -> list[Output]:
    names = seen.metadata.outputs
    if len(names) != len(facts.outputs):
        names = ("",) * len(facts.outputs)
    return [
        Output(*parts) for parts in zip(facts.outputs, seen.outputs, names, seen.held, strict=True)
    ]


def _anchors(hints: Hints) -> NDArray[np.float32] | None:
    if hints.anchors is None:
        return None
    try:
        return read_anchors(Path(hints.anchors))
    except BundleError as exc:
        raise UsageError(f"--anchors: {exc}") from exc


def _label_text(hints: Hints, say: Callable[[str], None]) -> str:
    return "" if hints.labels is None else read_label_file(hints.labels, say)


def _names_count(metadata: ModelMetadata, label_text: str) -> int | None:
    """How many classes the user, or the file, names."""
    if label_text:
        return len(parse_labels(label_text, None)) or None
    return len(metadata.notes.names) or None if metadata.notes is not None else None


def _labels(found: Understanding, seen: Examination, hints: Hints, text: str) -> ClassNames:
    """What the classes are called; ``text`` is of ``--labels``."""
    count = found.classes
    if hints.labels is not None:
        # One name of a model that tells two classes apart is that of what it looks for.
        known = getattr(found.rule, "background", None)
        background = 0 if found.score.startswith("binary") else known
        names = parse_labels(text, count, hints.labels, background)
        return ClassNames(names, f"--labels {hints.labels}")
    missing = "classes are called by number; --labels FILE names them"
    notes = seen.metadata.notes
    if notes is not None and notes.names:
        if count in (None, len(notes.names)):
            return ClassNames(notes.names, "its exporter's notes inside the model")
        wrong = f"its exporter's notes name {len(notes.names)} classes, it has {count}"
        return ClassNames((), wrong, (f"{wrong}; {missing}",))
    if not seen.metadata.labels and found.labels:
        return ClassNames(found.labels, "models of its kind find nothing else")
    if not seen.metadata.labels:
        return ClassNames((), "nothing names them", (f"no labels: {missing}",))
    where = f"{seen.metadata.label_file} inside the model"
    try:
        return ClassNames(parse_labels(seen.metadata.labels, count, where), where)
    except UsageError as exc:
        return ClassNames((), f"{where} does not fit", (f"{exc}; {missing}",))


def _fit(rule: InputRule, found: Understanding, asked: Resize | None) -> InputRule:
    """``rule`` with how pictures are brought to its shape: as asked, or by convention."""
    usual: Resize = "stretch" if found.task == "detection" else "centre-crop"
    resize = asked or ("letterbox" if found.family else usual)
    cropped = CROP_FRACTION if resize == "centre-crop" else 1.0
    return msgspec.structs.replace(rule, resize=resize, crop_fraction=cropped)


def _threshold(found: Understanding, decoder: Rule) -> float:
    """The least score that is reported."""
    if found.family == "yolo":
        return YOLO_THRESHOLD
    looked_for = isinstance(decoder, ClassifierRule) and decoder.background is not None
    if found.multi_label or (looked_for and found.score.startswith("binary")):
        return SURE_THRESHOLD
    return threshold_for(found.task)


def _decoder(found: Understanding, labels: Sequence[str]) -> Rule:
    ends = (0, len(labels) - 1) if labels else ()  # where a background class is
    background = next((end for end in ends if is_placeholder(labels[end])), None)
    if isinstance(found.rule, DenseRule) and found.rule.background is None:
        return msgspec.structs.replace(found.rule, background=None if found.family else background)
    if found.rule is not None:
        return found.rule
    if found.task == "classification":
        rule = ClassifierRule(score=found.score, background=background)
        if found.multi_label and found.classes is not None:
            return msgspec.structs.replace(rule, top=found.classes)
        return rule
    return SsdRule(
        anchors="anchors.npy",
        box_scales=SSD_BOX_SCALES,
        background=background if labels else 0,
        iou_threshold=SSD_IOU_THRESHOLD,
        score="probability" if found.score == "probability" else "logit",
    )


def _provenance(path: Path, metadata: ModelMetadata) -> Provenance:
    licence = metadata.notes.licence if metadata.notes is not None else ""
    return Provenance(
        source=path.name,
        licence=licence or "licence not stated",
        made_at="",
        machine="",
        command="",
        seed=0,
        calibration=(),
        checked_on=0,
        versions={},
        weights_sha256={},
    )
