"""Installation of the variant ``tuned`` in a bundle, checked as `build` checks its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import msgspec

from convert.build.bundle_writer import staged_bundle, write_manifest
from convert.build.checker import Checker, ConvertedFile, RecipeValues, as_sample
from convert.build.contract import Contract
from convert.evaluation.variant_file import replace_tensors
from convert.output_capture import quiet
from convert.reference import REFERENCE_INTERPRETER, REFERENCE_VARIANT
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule
from device.bundle.hashes import sha256_of
from device.bundle.heads import Head, TensorSpec
from device.inference.interpreter import Interpreter

TUNED = "tuned"


def bundle_contract(bundle: Bundle) -> Contract:
    """What ``bundle`` promises; outputs have the roles of float32's of the same names.

    Raises ``InterpreterError`` where LiteRT refuses its float32.
    """
    manifest, float32 = bundle.manifest, bundle.variant(REFERENCE_VARIANT)
    with quiet(debug=False):
        file = bundle.file(float32.file)
        positions = Interpreter(REFERENCE_INTERPRETER, file, threads=1).output_names()

    def heads(outputs: Mapping[str, TensorSpec]) -> tuple[Head, ...]:
        return replace_tensors(
            float32.heads, {position: outputs[name] for name, position in positions.items()}
        )

    return Contract(
        task=manifest.task,
        input=manifest.input,
        decoder=manifest.decoder,
        labels=bundle.labels,
        heads=heads,
        threshold=manifest.threshold,
        anchors=bundle.anchors if isinstance(manifest.decoder, SsdRule) else None,
        max_detections=manifest.max_detections,
        class_thresholds=manifest.class_thresholds,
    )


def add_tuned(bundle: Bundle, model: bytes, recipe: RecipeValues) -> None:
    """Replace ``bundle`` on disk by itself with ``model`` as the variant ``tuned``.

    Whole or not at all. How like float32 it answers refuses nothing: its accuracy was measured,
    which says more. Raises ``ConversionError`` or ``InterpreterError`` where the model fails in
    LiteRT, and ``BundleError`` where a file of the bundle is damaged.
    """
    bundle.verify()
    manifest = bundle.manifest
    images = [bundle.file(sample.file) for sample in manifest.samples]
    checker = Checker(bundle_contract(bundle), images)
    checker.set_reference(bundle.file(bundle.variant(REFERENCE_VARIANT).file))
    with staged_bundle(bundle.folder) as folder:
        shutil.copytree(bundle.folder, folder, dirs_exist_ok=True)
        file = folder / f"{TUNED}.tflite"
        file.write_bytes(model)
        ((variant, found),) = checker.check_everywhere([ConvertedFile(file, recipe)])
        samples = tuple(
            msgspec.structs.replace(sample, detections=sample.detections | {TUNED: as_sample(seen)})
            for sample, seen in zip(manifest.samples, found, strict=True)
        )
        write_manifest(
            folder,
            msgspec.structs.replace(
                manifest,
                variants=manifest.variants | {TUNED: variant},
                samples=samples,
                files=manifest.files | {file.name: sha256_of(file)},
            ),
        )
