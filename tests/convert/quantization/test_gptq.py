from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.quantization import flatbuffer
from convert.quantization.gptq import _round, round_weights
from convert.quantization.layerwise import apply_weights, layer_inputs

EIGHT_BITS = np.arange(-127, 128, dtype=np.int8)


def rounded(weights, scale, hessian, allowed=EIGHT_BITS):
    steps = _round(
        np.array([[weights]], np.float32),
        np.array([[scale]]),
        np.array([hessian], np.float64),
        np.array(allowed, np.int8),
    )
    return steps[0, 0].tolist()


def test_inputs_that_have_nothing_to_do_with_each_other_are_rounded_to_nearest():
    assert rounded([0.4, 1.4, -2.6], 1.0, np.eye(3)) == [0, 1, -3]


def test_error_of_one_weight_is_made_up_for_by_the_next():
    # Two inputs that are nearly always equal: only the sum of their weights counts. The first
    # loses 0.4, so the second, 0.4 itself, has 0.8 to give, which is 1.
    assert rounded([0.4, 0.4], 1.0, [[1.01, 1.0], [1.0, 1.01]]) == [0, 1]


def test_what_matters_most_is_rounded_first():
    # The second input is a hundred times the first: its weight goes to the nearest step, and the
    # first takes over what that lost, 0.3 * 10 by its own 1.01 and the damping, 0.51: 0.2 + 1.97.
    steps = rounded([0.2, 1.3], 1.0, np.array([[1.01, 10.0], [10.0, 101.0]]))
    assert steps == [2, 1]


def test_weights_stay_within_what_int8_holds():
    assert rounded([500.0, -500.0], 1.0, np.eye(2)) == [127, -127]


def test_error_of_a_value_that_there_is_not_is_made_up_for_too():
    # As above, but with halves of 0 and 10: 4 of 10 are lost, so the second has 8 to give.
    assert rounded([4.0, 4.0], 1.0, [[1.01, 1.0], [1.0, 1.01]], [-10, 0, 10]) == [0, 10]


def test_input_that_is_always_zero_does_no_harm():
    assert rounded([0.4, 1.6], 1.0, [[0.0, 0.0], [0.0, 1.0]]) == [0, 2]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_outputs_of_inputs_that_go_together_are_nearer_than_by_rounding_to_nearest(seed):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(200, 3)) @ random.normal(size=(3, 70))  # more than a block
    inputs += 0.1 * random.normal(size=inputs.shape)
    weights = random.normal(size=(1, 16, 70)).astype(np.float32)
    scales = np.full((1, 16), 0.2)
    steps = _round(weights, scales, (inputs.T @ inputs)[np.newaxis], EIGHT_BITS)

    def error(found):
        return np.square((found * 0.2 - weights[0]) @ inputs.T).sum()

    assert error(steps[0]) < error(np.rint(weights[0] / 0.2))


@pytest.fixture(scope="module")
def models(bundle_dir):
    return [
        flatbuffer.read((bundle_dir / f"{name}.tflite").read_bytes())
        for name in ("float32", "int8")
    ]


def test_every_kind_of_layer_answers_nearer_to_float32_than_rounded_to_nearest(models, photographs):
    inputs = photographs[:2]
    float_model, int8_model = models
    found = round_weights(float_model, int8_model, inputs)
    tensors = int8_model.subgraphs[0].tensors
    scales = {
        tensors[operator.outputs[0]].name: tensors[operator.inputs[1]].quantization.scale
        for name, operator in flatbuffer.operators(int8_model)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D")
    }
    assert found.keys() == scales.keys(), "all layers with weights, each once"
    seen = set()
    for name, operator, output, chunks in layer_inputs(float_model, inputs):
        kernel = flatbuffer.constant(
            float_model, float_model.subgraphs[0].tensors[operator.inputs[1]]
        )
        kind = (name, kernel.shape[1:3], operator.builtinOptions.strideH)
        if kind in seen:
            continue
        seen.add(kind)
        assert found[output].shape == kernel.shape
        shape = (1, 1, 1, -1) if name == "DEPTHWISE_CONV_2D" else (-1, 1, 1, 1)
        scale = np.asarray(scales[output], np.float32).reshape(shape)
        nearest = np.clip(np.rint(kernel / scale), -127, 127)
        errors = [
            sum(
                float(np.square(_answer(name, operator, chunk, steps * scale - kernel)).sum())
                for chunk in chunks
            )
            for steps in (found[output].astype(np.float32), nearest)
        ]
        assert errors[0] < errors[1], kind
    assert len(seen) >= 4


def _answer(name, operator, chunk, kernel):
    return apply_weights(name, operator, kernel.astype(np.float32), chunk).numpy()
