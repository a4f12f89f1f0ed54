"""Variant files: ``.tflite`` files of a bundle's network that the bundle itself does not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.output_capture import quiet
from convert.reference import REFERENCE_INTERPRETER
from device.bundle.bundle import Bundle
from device.bundle.heads import Head, TensorSpec
from device.bundle.manifest import Variant
from device.bundle.model import Model
from device.inference.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class VariantFile:
    """Where a file is, and what a manifest would say of it."""

    path: Path
    variant: Variant


class ExtendedBundle(Model):
    """A bundle with more variants than its manifest has: candidates, to be run beside its own.

    ``files`` are by the name of the variant. They are those that this process or its parent wrote,
    and no hash vouches for them.
    """

    def __init__(self, bundle: Bundle, files: Mapping[str, VariantFile]) -> None:
        self.folder = bundle.folder
        self.manifest = msgspec.structs.replace(
            bundle.manifest,
            variants=bundle.manifest.variants
            | {name: item.variant for name, item in files.items()},
        )
        self._bundle = bundle
        self._paths = {item.variant.file: item.path for item in files.values()}

    @property
    def sha256(self) -> str:
        """Of the bundle's manifest."""
        return self._bundle.sha256

    @property
    def labels(self) -> tuple[str, ...]:
        """The bundle's."""
        return self._bundle.labels

    @property
    def anchors(self) -> NDArray[np.float32] | None:
        """The bundle's."""
        return self._bundle.anchors

    def file(self, name: str) -> Path:
        """Path of a variant file, or of a file of the bundle, which is verified."""
        return self._paths.get(name) or self._bundle.file(name)


def describe_like(path: Path, reference: Path, variant: Variant) -> VariantFile:
    """The file at ``path`` with its outputs in the roles that those of ``variant`` have.

    Outputs are matched by their names in the signature, which ``reference``, the file of
    ``variant``, shares. Raises ``InterpreterError`` where LiteRT refuses one of the two.
    """
    with quiet(debug=False):  # LiteRT announces its kernels
        ours, theirs = (
            Interpreter(REFERENCE_INTERPRETER, item, threads=1) for item in (path, reference)
        )
    places = ours.output_names()
    moved = {
        position: ours.outputs[places[name]] for name, position in theirs.output_names().items()
    }
    described = msgspec.structs.replace(
        variant,
        file=path.name,
        size_bytes=path.stat().st_size,
        input=ours.input,
        heads=replace_tensors(variant.heads, moved),
        checks={},
    )
    return VariantFile(path, described)


def replace_tensors(heads: Sequence[Head], moved: Mapping[int, TensorSpec]) -> tuple[Head, ...]:
    """``heads`` with each tensor replaced by the one that ``moved`` has for its position."""
    return tuple(
        msgspec.structs.replace(
            head,
            **{
                name: moved[value.position]
                for name in head.__struct_fields__
                if isinstance(value := getattr(head, name), TensorSpec)
            },
        )
        for head in heads
    )
