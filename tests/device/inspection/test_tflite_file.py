from __future__ import annotations

import contextlib
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundle.bundle import Bundle
from device.errors import InterpreterError, ModelError
from device.inspection.tflite_file import is_tflite, read_facts
from tests.helpers import tiny_models


def facts_of(tmp_path, data: bytes):
    (tmp_path / "model.tflite").write_bytes(data)
    return read_facts(tmp_path / "model.tflite")


def test_input_and_outputs_are_as_the_file_declares_them(tmp_path):
    facts = facts_of(
        tmp_path,
        tiny_models.classifier(
            dtype="int8", scale=0.5, zero_point=-14, signature=(-1, 32, -1, 3), side=32
        ),
    )
    (image,), (scores,) = facts.inputs, facts.outputs
    assert (image.name, image.dtype, image.shape) == ("picture", "int8", (1, 32, 32, 3))
    assert (image.scale, image.zero_point) == (0.5, -14)
    assert image.free == (True, False, True, False)
    assert (scores.name, scores.dtype, scores.operator) == ("scores", "float32", "SOFTMAX")
    assert facts.operators == {"DEQUANTIZE": 1, "MEAN": 1, "MUL": 1, "SOFTMAX": 1}


def test_operator_behind_an_output_is_seen_through_changes_of_form(tmp_path):
    facts = facts_of(
        tmp_path,
        tiny_models.classifier(scores_shape=(1, 1, 1, 3), output=("uint8", 1 / 256, 0)),
    )
    assert facts.outputs[0].operator == "SOFTMAX"


def test_outputs_of_the_post_processing_operator_keep_its_order(tmp_path):
    facts = facts_of(tmp_path, tiny_models.ssd((2, 0, 3, 1)))
    assert [output.slot for output in facts.outputs] == [2, 0, 3, 1]
    assert {output.operator for output in facts.outputs} == {tiny_models.POST_PROCESS}
    assert facts.classes == 3


def test_model_that_normalises_bytes_itself_shows_its_gain(tmp_path):
    ((factor, addend),) = facts_of(tmp_path, tiny_models.classifier(gain=1 / 255)).input_affine
    assert (factor, addend) == (pytest.approx(1 / 255), 0.0)
    assert facts_of(tmp_path, tiny_models.classifier()).input_affine == ()


def test_first_operators_are_followed_channel_by_channel(tmp_path):
    graph = tiny_models.Graph()
    image = graph.tensor("picture", (1, 8, 8, 3))
    less, divided, more = (graph.tensor(name, (1, 8, 8, 3)) for name in "abc")
    graph.operator("SUB", [image, graph.constant([1, 2, 3])], [less])
    graph.operator("DIV", [less, graph.constant([4])], [divided])
    graph.operator("SUB", [graph.constant([10]), divided], [more])
    data = graph.write([image], [more])
    # 10 - (x - c) / 4
    assert facts_of(tmp_path, data).input_affine == (
        (-0.25, 10.25),
        (-0.25, 10.5),
        (-0.25, 10.75),
    )


def test_range_of_a_float_input_that_is_quantised_at_once(tmp_path):
    graph = tiny_models.Graph()
    image = graph.tensor("picture", (1, 8, 8, 3))
    stored = graph.quantised(image, (1, 8, 8, 3), "int8", 1 / 255, -128)
    low, high = facts_of(tmp_path, graph.write([image], [stored])).input_range
    assert (low, high) == (pytest.approx(0.0), pytest.approx(1.0))


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int8"])
def test_contents_of_our_own_variants_are_called_by_their_name(bundle_dir, variant):
    facts = read_facts(bundle_dir / f"{variant}.tflite")
    assert facts.contents == variant
    recorded = Bundle(bundle_dir).manifest.variants[variant]
    assert facts.operators == recorded.operators
    assert {output.signature for output in facts.outputs} >= {"boxes_0", "scores_5"}
    assert facts.inputs[0].scale == pytest.approx(recorded.input.scale)


@pytest.mark.parametrize(
    ("name", "contents", "classes"),
    [
        ("coco_ssd_mobilenet_v1_quant", "uint8", 90),
        ("coral_mobilenet_v2_1.0_224_quant", "uint8", None),
        ("coral_tf2_mobilenet_v2_1.0_224_ptq", "int8", None),
        ("mlperf_tiny_vww_96_int8", "int8", None),
    ],
)
def test_contents_of_other_peoples_models(shared_data, name, contents, classes):
    facts = read_facts(shared_data / "models" / f"{name}.tflite")
    assert (facts.contents, facts.classes) == (contents, classes)


def test_mark_of_the_format_is_what_makes_a_tflite_file(tmp_path):
    (tmp_path / "a").write_bytes(tiny_models.classifier())
    (tmp_path / "b.tflite").write_bytes(b"TFL3")
    assert is_tflite(tmp_path / "a")
    for name in ("b.tflite", "nowhere", "."):
        assert not is_tflite(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x00" * 100])
def test_other_file_is_said_to_be_one(tmp_path, data):
    with pytest.raises(ModelError, match="is no TFLite model"):
        facts_of(tmp_path, data)


def test_missing_file_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        read_facts(tmp_path / "nowhere.tflite")


def test_missing_litert_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(InterpreterError, match="pip install ai-edge-litert"):
        facts_of(tmp_path, tiny_models.classifier())


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -1.0])
def test_scale_that_cannot_be_is_damage(tmp_path, scale):
    with pytest.raises(ModelError, match="damaged"):
        facts_of(tmp_path, tiny_models.classifier(dtype="uint8", scale=scale))


WHOLE = tiny_models.ssd()


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(8, len(WHOLE) - 1), st.integers(0, 255)), max_size=20),
    st.integers(8, len(WHOLE)),
)
def test_any_damage_is_read_or_a_model_error(tmp_path_factory, edits, length):
    data = np.frombuffer(WHOLE, np.uint8).copy()
    for position, byte in edits:
        data[position] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.tflite"
    path.write_bytes(data[:length].tobytes())
    with contextlib.suppress(ModelError):
        read_facts(path)
