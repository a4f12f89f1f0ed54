from __future__ import annotations

import pytest

from convert.compression.channel_groups import channel_groups, first_of

GROUPS = {group.producer: group for group in channel_groups()}


def test_every_reader_reads_as_many_channels_as_its_group_has(weights):
    for group in GROUPS.values():
        channels = weights[group.producer][0].shape[3]
        for reader in group.readers:
            assert weights[reader.convolution][0].shape[2] == channels, reader
            if reader.depthwise:
                assert weights[reader.depthwise][0].shape[2] == channels, reader


@pytest.mark.parametrize(
    ("producer", "readers"),
    [
        ("expanded_conv_5.expand", ["expanded_conv_5.project"]),
        (
            "expanded_conv_13.expand",
            [
                "expanded_conv_13.project",
                "BoxPredictor_0.BoxEncodingPredictor",
                "BoxPredictor_0.ClassPredictor",
            ],
        ),
        (
            "Conv_1",
            [
                "BoxPredictor_1.BoxEncodingPredictor",
                "BoxPredictor_1.ClassPredictor",
                "layer_19_1_Conv2d_2_1x1_256",
            ],
        ),
        (
            "layer_19_2_Conv2d_5_3x3_s2_128",
            ["BoxPredictor_5.BoxEncodingPredictor", "BoxPredictor_5.ClassPredictor"],
        ),
    ],
)
def test_group_names_all_that_read_it(producer, readers):
    assert [reader.convolution for reader in GROUPS[producer].readers] == readers


def test_every_layer_but_sums_and_heads_has_a_group(weights):
    summed = {f"expanded_conv_{number}.project" for number in range(1, 16)}
    apart = {name for name in weights if "depthwise" in name or name.endswith("Predictor")}
    assert set(weights) - apart - summed - {"expanded_conv.project"} == set(GROUPS)


def test_first_of_two_convolutions_reads():
    assert first_of("a.project", {"a.project": 0}) == "a.project"
    assert first_of("a.project", {"a.project": 0, "a.project.reduce": 0}) == "a.project.reduce"
