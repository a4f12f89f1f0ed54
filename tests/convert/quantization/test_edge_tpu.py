from __future__ import annotations

from convert.quantization.edge_tpu import mapped_in_words, what_is_mapped


def test_int8_detector_is_mapped_whole(bundle_dir):
    said = what_is_mapped((bundle_dir / "int8.tflite").read_bytes())
    assert said.startswith("its compiler knows all ")
    assert said.endswith("operators: ADD, CONV_2D, DEPTHWISE_CONV_2D, QUANTIZE")


def test_operators_that_it_does_not_know_are_counted_with_all_that_follow():
    operators = ["QUANTIZE", "CONV_2D", "HARD_SWISH", "CONV_2D", "HARD_SWISH", "DEQUANTIZE"]
    assert mapped_in_words(operators) == (
        "its compiler does not know 3 of 6 operators (1 DEQUANTIZE, 2 HARD_SWISH); "
        "from HARD_SWISH on, 4 run on the processor"
    )
