from __future__ import annotations

import numpy as np
import pytest

from convert.quantization import flatbuffer
from convert.quantization.equalization import bottlenecks, equalise
from convert.quantization.layerwise import layer_inputs


@pytest.fixture(scope="module")
def float32(bundle_dir):
    return (bundle_dir / "float32.tflite").read_bytes()


@pytest.fixture(scope="module")
def equalised(float32, photographs):
    return equalise(float32, photographs[:4])


def test_bottlenecks_of_mobilenet_v2_are_found_with_their_additions(float32):
    model = flatbuffer.read(float32)
    found = bottlenecks(model)
    # One for each of the network's seven numbers of channels: within one, additions join them.
    assert sorted(len(item.before) for item in found) == [1, 1, 2, 3, 3, 3, 4]
    assert len(found) == 7
    additions = [
        index
        for name, operator in flatbuffer.operators(model)
        if name == "ADD"
        for index in operator.outputs
    ]
    assert len(additions) == 10
    assert {*additions} <= set().union(*(item.tensors for item in found))


def test_equalised_network_answers_the_same(float32, equalised, photographs):
    from convert.quantization.layerwise import apply_weights

    answers = []
    for data in (float32, equalised):
        model = flatbuffer.read(data)
        tensors = model.subgraphs[0].tensors
        ends = {tensors[index].name for index in model.subgraphs[0].outputs}
        last = {}
        for name, operator, output, chunks in layer_inputs(model, photographs[:1]):
            weights = flatbuffer.constant(model, tensors[operator.inputs[1]])
            if tensors[operator.inputs[0]].shape[1] <= 3 or output in ends:
                last[output] = apply_weights(name, operator, weights, chunks[0]).numpy()
        answers.append(last)
    assert len(answers[0]) > 6
    for output, values in answers[0].items():
        np.testing.assert_allclose(answers[1][output], values, 1e-6, 2e-3, err_msg=output)


def test_inputs_and_weights_meet_in_the_middle(float32, equalised, photographs):
    def profiles(data):
        """How unlike the channels are: of what goes into a layer, over the weights it meets."""
        model = flatbuffer.read(data)
        seen = {
            operator.inputs[0]: np.concatenate([np.abs(x).max(axis=(1, 2)) for x in chunks])
            for _, operator, _, chunks in layer_inputs(model, photographs[:4])
        }
        for bottleneck in bottlenecks(model):
            kernels = [
                flatbuffer.constant(model, model.subgraphs[0].tensors[operator.inputs[1]])
                for operator in bottleneck.after
            ]
            met = np.max([np.abs(kernel).max(axis=(0, 1, 2)) for kernel in kernels], axis=0)
            sizes = [seen[index].mean(axis=0) for index in bottleneck.tensors & seen.keys()]
            yield float(np.log(np.max(sizes, axis=0) / met).std())

    assert all(unlike > 0.15 for unlike in profiles(float32))
    assert all(unlike < 0.01 for unlike in profiles(equalised))


def test_network_without_a_linear_layer_inside_has_nothing_to_equalise():
    from tests.helpers.tiny_bundle import float32_model

    assert not bottlenecks(flatbuffer.read(float32_model()))
