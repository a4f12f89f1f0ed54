"""Inputs of bare models, as their files declare them."""

from __future__ import annotations

import numpy as np

from device.bundle.heads import TensorSpec
from device.bundle.hints import Hints
from device.inference.preprocess import byte_table
from device.inspection.image_input import image_input
from device.inspection.tflite_facts import FileFacts, TensorFacts
from device.inspection.tflite_metadata import ModelMetadata


def tensor(shape=(1, 6, 8, 3), dtype="float32", scale=0.0, zero_point=0, free=()) -> TensorFacts:
    return TensorFacts(
        name="picture",
        signature="",
        shape=shape,
        free=tuple(axis in free for axis in range(len(shape))),
        dtype=dtype,
        scale=scale,
        zero_point=zero_point,
    )


def facts(*inputs: TensorFacts, gain=1.0, **others) -> FileFacts:
    return FileFacts(
        contents="float32",
        operators={},
        inputs=inputs,
        outputs=(),
        classes=None,
        metadata=b"",
        **{"input_affine": ((gain, 0.0),) if gain != 1 else ()} | others,
    )


def fitted(image: TensorFacts, *, gain=1.0, metadata=None, file=None, **hints):
    read = facts(image, gain=gain, **(file or {}))
    return image_input(read, metadata or ModelMetadata(), Hints(**hints))


def stored(image: TensorFacts, rule) -> np.ndarray:
    """What bytes become in the model's input."""
    spec = TensorSpec(
        position=0,
        shape=rule.shape,
        dtype=image.dtype,
        scale=image.scale,
        zero_point=image.zero_point,
    )
    return byte_table(rule, spec)


ANY = tensor((1, 1, 1, 3), free=(0, 1, 2))
