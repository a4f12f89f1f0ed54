from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.quantization import flatbuffer
from convert.quantization.float16 import store_weights_in_half
from device.inference.probe import ProbeRequest, probe
from device.runtimes import installed_interpreters


@pytest.fixture
def model(bundle_dir):
    return flatbuffer.read((bundle_dir / "float32.tflite").read_bytes())


def float_constants(model):
    return [
        tensor
        for tensor in model.subgraphs[0].tensors
        if tensor.type == schema.TensorType.FLOAT32
        and model.buffers[tensor.buffer].data is not None
    ]


def answers(name, model, path, photo):
    """What ``model`` answers to a photograph, run as the build checks its files."""
    path.write_bytes(flatbuffer.write(model))
    outputs = path.with_suffix(".npz")
    probe(
        ProbeRequest(
            model=str(path),
            interpreter=name,
            rule=SSDLITE_MOBILENET_V2.input,
            images=(str(photo),),
            outputs=str(outputs),
        )
    )
    with np.load(outputs) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", sorted(installed_interpreters().keys() - {"tensorflow"}))
def test_it_computes_what_rounded_weights_compute(model, bundle_dir, tmp_path, photo, name):
    rounded = flatbuffer.read((bundle_dir / "float32.tflite").read_bytes())
    for tensor in float_constants(rounded):
        halves = flatbuffer.constant(rounded, tensor).astype(np.float16)
        flatbuffer.set_constant(rounded, tensor, halves.astype(np.float32))
    store_weights_in_half(model)
    found = answers(name, model, tmp_path / "found.tflite", photo)
    expected = answers(name, rounded, tmp_path / "expected.tflite", photo)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_no_constant_stays_in_float32_and_operators_keep_their_order(model):
    before = [name for name, _ in flatbuffer.operators(model)]
    constants = len(float_constants(model))
    store_weights_in_half(model)
    assert float_constants(model) == []
    after = [name for name, _ in flatbuffer.operators(model)]
    assert after == ["DEQUANTIZE"] * constants + before


def test_bytes_that_tensors_share_are_stored_once_and_integers_keep_theirs(model):
    first, second, *_ = float_constants(model)
    second.buffer, second.shape = first.buffer, first.shape
    integer = schema.TensorT()
    integer.type, integer.shape, integer.buffer = schema.TensorType.INT32, first.shape, first.buffer
    integer.name = b"integers"
    model.subgraphs[0].tensors.append(integer)
    as_integers = flatbuffer.constant(model, integer).copy()
    store_weights_in_half(model)
    halves = [
        tensor
        for tensor in model.subgraphs[0].tensors
        if tensor.type == schema.TensorType.FLOAT16
        and tensor.name in (first.name + b"_half", second.name + b"_half")
    ]
    assert len(halves) == 2
    assert halves[0].buffer == halves[1].buffer
    assert np.array_equal(flatbuffer.constant(model, integer), as_integers)
