"""Puts the variant ``tuned`` into a bundle, checked as `build` checks its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from convert.build.bundle_writer import staged_bundle, write_manifest
from convert.build.checker import REFERENCE, Checker, as_sample
from convert.evaluation.evaluate import REFERENCE as FLOAT32
from convert.models.base import Network
from convert.output_capture import quiet
from convert.quantization.recipe import Recipe
from convert.tuning.evaluator import reheaded
from device.bundle.bundle import Bundle
from device.bundle.hashes import sha256_of
from device.bundle.manifest import ClassifierRule, Head, SsdRule, TensorSpec
from device.inference.interpreter import Interpreter

TUNED = "tuned"

RecipeValues = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class _BundledNetwork(Network):
    """A network as its bundle knows it: enough to check a variant."""

    float32_heads: tuple[Head, ...] = ()
    float32_outputs: Mapping[str, int] = field(default_factory=dict)

    def heads(self, outputs: Mapping[str, TensorSpec]) -> tuple[Head, ...]:
        """In the roles that float32's outputs of the same names have."""
        moved = {position: outputs[name] for name, position in self.float32_outputs.items()}
        return reheaded(self.float32_heads, moved)


def _network(bundle: Bundle) -> Network:
    manifest, float32 = bundle.manifest, bundle.variant(FLOAT32)
    rule = manifest.decoder
    assert isinstance(rule, SsdRule | ClassifierRule)
    with quiet(debug=False):
        outputs = Interpreter(REFERENCE, bundle.file(float32.file), threads=1).output_names()
    return _BundledNetwork(
        name=manifest.model,
        title=manifest.model,
        licence=manifest.provenance.licence,
        source=manifest.provenance.source,
        labels=bundle.labels,
        input=manifest.input,
        input_name="",
        decoder=rule,
        export=lambda _: 0,
        anchors=bundle.anchors,
        trained=False,  # its accuracy was measured, which says more than likeness does
        float32_heads=float32.heads,
        float32_outputs=outputs,
    )


def add_tuned(bundle: Bundle, model: bytes, recipe: RecipeValues) -> None:
    """Replace ``bundle`` on disk by itself with ``model`` as the variant ``tuned``.

    Whole or not at all. Raises ``ConversionError`` or ``InterpreterError`` where the model fails
    in LiteRT, and ``BundleError`` where a file of the bundle is damaged.
    """
    bundle.verify()
    manifest = bundle.manifest
    images = [bundle.file(sample.file) for sample in manifest.samples]
    checker = Checker(_network(bundle), images, manifest.threshold)
    checker.check(bundle.file(bundle.variant(FLOAT32).file), Recipe(precision="float32"), REFERENCE)
    with staged_bundle(bundle.folder) as folder:
        shutil.copytree(bundle.folder, folder, dirs_exist_ok=True)
        file = folder / f"{TUNED}.tflite"
        file.write_bytes(model)
        # Of this recipe nothing is kept: it tells the checker that this is not float32.
        variant, found = checker.check_everywhere(file, Recipe(precision="dynamic"))
        samples = tuple(
            msgspec.structs.replace(sample, detections=sample.detections | {TUNED: as_sample(seen)})
            for sample, seen in zip(manifest.samples, found, strict=True)
        )
        write_manifest(
            folder,
            msgspec.structs.replace(
                manifest,
                variants=manifest.variants
                | {TUNED: msgspec.structs.replace(variant, recipe=recipe)},
                samples=samples,
                files=manifest.files | {file.name: sha256_of(file)},
            ),
        )
