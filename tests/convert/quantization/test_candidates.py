from __future__ import annotations

import numpy as np
import pytest

from convert.calibration.images import CalibrationInputs
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker, stack_inputs
from convert.quantization.flatbuffer import WEIGHTED
from convert.tuning.output_error import OutputError
from device.bundle.bundle import Bundle
from device.inference.interpreter import Interpreter
from device.runtimes import installed_interpreters
from tests.helpers.tiny_bundle import pixels


def test_named_layers_stay_float_and_no_others(maker):
    whole, mixed = (
        flatbuffer.read(maker.make(choice))
        for choice in (CandidateSpec(), CandidateSpec(frozenset([1])))
    )
    assert [name for name, _ in flatbuffer.operators(whole)].count("DEQUANTIZE") == 0
    names = [name for name, _ in flatbuffer.operators(mixed)]
    place = names.index("DEPTHWISE_CONV_2D")
    assert names[place - 1 : place + 2] == ["DEQUANTIZE", "DEPTHWISE_CONV_2D", "QUANTIZE"]
    assert names.count("DEQUANTIZE") == names.count("QUANTIZE") == 1


def test_second_order_weights_are_other_steps_of_the_same_scales(maker):
    plain, other = (
        flatbuffer.read(maker.make(choice))
        for choice in (
            CandidateSpec(corrected=False),
            CandidateSpec(rounding="second-order", corrected=False),
        )
    )
    differ = 0
    for ours, theirs in zip(plain.subgraphs[0].tensors, other.subgraphs[0].tensors, strict=True):
        assert np.array_equal(ours.quantization.scale, theirs.quantization.scale)
        data = [m.buffers[t.buffer].data for m, t in ((plain, ours), (other, theirs))]
        differ += not np.array_equal(*data)
    assert 0 < differ <= len(maker.weighted)


@pytest.mark.parametrize("rounding", ["min-max", "second-order"])
def test_clustered_weights_of_a_layer_take_few_values(maker, rounding):
    plain, clustered = (
        flatbuffer.read(maker.make(CandidateSpec(rounding=rounding, weight_clusters=count)))
        for count in (0, 4)
    )
    values = [
        [len(np.unique(flatbuffer.constant(model, tensor))) for tensor in weights.values()]
        for model in (plain, clustered)
        for weights in [flatbuffer.integer_weights(model)]
    ]
    assert len(values[0]) == len(maker.weighted)
    assert min(values[0]) > 4
    assert max(values[1]) <= 4


def test_weights_of_4_bits_are_those_of_convolutions_alone_and_run(maker, built, tmp_path):
    model = maker.make(CandidateSpec(rounding="second-order", weight_bits=4))
    tensors = flatbuffer.read(model).subgraphs[0].tensors
    bits = {
        name: flatbuffer.weight_bits(tensors[operator.inputs[1]])
        for name, operator in flatbuffer.operators(flatbuffer.read(model))
        if name in WEIGHTED
    }
    assert bits == {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 8, "FULLY_CONNECTED": 8}
    (tmp_path / "int4.tflite").write_bytes(model)
    picture = pixels(built / "pictures")[:1]
    exact = real_output("litert", built / "bundle" / "float32.tflite", picture)
    found = real_output("litert", tmp_path / "int4.tflite", picture)
    assert np.corrcoef(found, exact)[0, 1] > 0.9
    if "tflite-runtime" in installed_interpreters():
        other = real_output("tflite-runtime", tmp_path / "int4.tflite", picture)
        assert np.corrcoef(other, found)[0, 1] > 0.99


def real_output(name, file, picture):
    """The one output of ``file``, in real numbers, as 64-bit floats (values,)."""
    interpreter = Interpreter(name, file, threads=1)
    given, (answer,) = interpreter.input, interpreter.outputs
    steps = picture if given.scale == 0 else np.rint(picture / given.scale) + given.zero_point
    interpreter.input_tensor()[...] = steps
    interpreter.invoke()
    return (np.float64(interpreter.output_tensors()[0].ravel()) - answer.zero_point) * (
        answer.scale or 1.0
    )


@pytest.mark.long
def test_what_improves_int8_disturbs_a_detector_less(bundle_dir):
    bundle = Bundle(bundle_dir)
    float32, rule = bundle.variant("float32"), bundle.manifest.input
    images = [bundle.file(sample.file) for sample in bundle.manifest.samples]
    inputs = stack_inputs(list(CalibrationInputs(rule, "image").dataset(images)()))
    path = bundle.file(float32.file)
    maker = CandidateMaker(path.read_bytes(), inputs, rule.value_range)
    output_error = OutputError(path, float32.heads, bundle.manifest.decoder, inputs)
    plain, *improved = (
        output_error(maker.make(choice))
        for choice in (
            CandidateSpec(corrected=False),
            CandidateSpec(),
            CandidateSpec(equalised=True),
            CandidateSpec(rounding="second-order", corrected=False),
        )
    )
    assert max(improved) < 0.8 * plain


def test_same_choice_makes_the_same_file(maker):
    assert maker.make(CandidateSpec(frozenset([0]))) == maker.make(CandidateSpec(frozenset([0])))


def test_network_that_is_equalised_is_another_with_the_same_layers(bundle_dir):
    """Its float layers answer as before; its weights are not those of the bundle's."""
    bundle = Bundle(bundle_dir)
    float32, rule = bundle.variant("float32"), bundle.manifest.input
    inputs = np.full((1, *rule.shape[1:]), 0.5, np.float32)
    path = bundle.file(float32.file)
    maker = CandidateMaker(path.read_bytes(), inputs, rule.value_range)
    everything = frozenset(range(len(maker.layers)))
    model = maker.make(CandidateSpec(everything, equalised=True))
    output_error = OutputError(path, float32.heads, bundle.manifest.decoder, inputs)
    assert output_error(model) < 1e-3  # the picture itself is in 8 bits
    kernels = [
        flatbuffer.constant(
            tree, tree.subgraphs[0].tensors[flatbuffer.operators(tree)[place][1].inputs[1]]
        )
        for tree, place in ((flatbuffer.read(path.read_bytes()), 2), (flatbuffer.read(model), 2))
    ]
    assert not np.allclose(*kernels)


@pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors:UserWarning")
def test_mean_ranges_are_the_means_of_what_each_picture_gave(maker):
    quantizer = maker._quantizer(CandidateSpec())
    (signature,) = maker._float.signatureDefs
    key, name = signature.signatureKey.decode(), signature.inputs[0].name.decode()
    found = [quantizer.calibrate({key: [{name: image[np.newaxis]}]}) for image in maker._inputs]
    ours = dict(maker._ranges["mean"])
    graph = maker._float.subgraphs[0]
    ours.pop(source := graph.tensors[graph.inputs[0]].name.decode())  # all that a picture can hold
    assert ours.keys() == found[0].keys() - {source}
    for tensor, ends in ours.items():
        for end, value in ends.items():
            expected = np.mean([item[tensor][end].item() for item in found])
            assert value.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)
