from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow  # noqa: F401 - before LiteRT's schema, as in the converter
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter as LiteRt
from hypothesis import given
from hypothesis import strategies as st

from convert.quantization import flatbuffer


def outputs(data: bytes) -> list[np.ndarray]:
    interpreter = LiteRt(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    spec = interpreter.get_input_details()[0]
    values = np.random.default_rng(3).integers(0, 256, spec["shape"])
    interpreter.set_tensor(spec["index"], values.astype(spec["dtype"]))
    interpreter.invoke()
    return [interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()]


@pytest.fixture(scope="module")
def int8(bundle_dir) -> bytes:
    return (bundle_dir / "int8.tflite").read_bytes()


def test_equal_vectors_are_written_once(int8):
    model = flatbuffer.read(int8)
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        if tensor.quantization is not None and tensor.quantization.zeroPoint is not None:
            # Make them differ, as many as there are channels: nothing can be shared any more.
            tensor.quantization.zeroPoint = tensor.quantization.zeroPoint + number
    assert len(flatbuffer.write(model)) > len(int8) + 300_000


def test_writing_again_changes_no_output(int8):
    before, after = outputs(int8), outputs(flatbuffer.write(flatbuffer.read(int8)))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_tensor_data_is_aligned_as_the_schema_asks(int8):
    model = flatbuffer.read(int8)
    weights = [bytes(b.data) for b in model.buffers if b.data is not None and len(b.data) > 4096]
    assert len(weights) > 40
    assert {int8.index(data) % flatbuffer.BUFFER_ALIGNMENT for data in weights} == {0}


def test_constant_survives_being_set_and_read(int8):
    model = flatbuffer.read(int8)
    (name, operator) = flatbuffer.operators(model)[1]
    assert name == "CONV_2D"
    bias = model.subgraphs[0].tensors[operator.inputs[2]]
    values = flatbuffer.constant(model, bias) + 7
    flatbuffer.set_constant(model, bias, values)
    again = flatbuffer.read(flatbuffer.write(model))
    tensor = again.subgraphs[0].tensors[operator.inputs[2]]
    assert np.array_equal(flatbuffer.constant(again, tensor), values)


def test_weights_of_4_bits_lie_two_in_a_byte_the_first_in_the_lower_half():
    tensor = SimpleNamespace(type=schema.TensorType.INT4, shape=[3], buffer=0)
    model = SimpleNamespace(buffers=[SimpleNamespace(data=b"")])
    flatbuffer.set_constant(model, tensor, np.array([1, -1, 7], np.int8))
    assert bytes(model.buffers[0].data) == b"\xf1\x07"
    assert flatbuffer.constant(model, tensor).tolist() == [1, -1, 7]


@given(st.lists(st.integers(-8, 7), min_size=1, max_size=9))
def test_any_weights_of_4_bits_survive_being_set_and_read(values):
    tensor = SimpleNamespace(type=schema.TensorType.INT4, shape=[1, len(values)], buffer=0)
    model = SimpleNamespace(buffers=[SimpleNamespace(data=b"")])
    flatbuffer.set_constant(model, tensor, np.array([values], np.int8))
    assert flatbuffer.constant(model, tensor).tolist() == [values]


def test_float16_variant_allows_half_precision_and_float32_does_not(bundle_dir):
    def allowed(name):
        model = flatbuffer.read((bundle_dir / f"{name}.tflite").read_bytes())
        return {
            entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata
        }.get(b"reduced_precision_support")

    assert allowed("float16") == b"fp16accfp16"
    assert allowed("float32") is None


def test_bias_at_its_limit_is_noticed(bundle_dir):
    model = flatbuffer.read((bundle_dir / "int8.tflite").read_bytes())
    assert not flatbuffer.has_full_biases(model)
    operator = next(x[1] for x in flatbuffer.operators(model) if x[0] == "CONV_2D")
    bias = model.subgraphs[0].tensors[operator.inputs[2]]
    values = flatbuffer.constant(model, bias).copy()
    values[1] = np.iinfo(np.int32).min
    flatbuffer.set_constant(model, bias, values)
    assert flatbuffer.has_full_biases(model)
