from __future__ import annotations

import numpy as np
import pytest

from convert.calibration.images import CalibrationInputs
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker, stack_inputs
from convert.tuning.output_error import OutputError
from device.bundle.bundle import Bundle


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
