from __future__ import annotations

import argparse

import pytest

from convert.commands.weight_flags import add_weight_flags, weight_bits_of
from device.errors import UsageError


def parsed(words):
    parser = argparse.ArgumentParser()
    add_weight_flags(parser)
    return parser.parse_args(words.split())


@pytest.mark.parametrize(
    ("words", "bits"),
    [("", 8), ("--int4", 4), ("--weight-clusters 128", 8), ("--int4 --weight-clusters 14", 4)],
)
def test_bits_of_weights(words, bits):
    assert weight_bits_of(parsed(words)) == bits


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--weight-clusters 1", "--weight-clusters 1: expected 2 to 128"),
        ("--weight-clusters 129", "--weight-clusters 129: expected 2 to 128"),
        ("--weight-clusters 15 --int4", "--weight-clusters 15: expected 2 to 14 with --int4"),
    ],
)
def test_number_of_clusters_that_makes_no_sense_is_refused(words, said):
    with pytest.raises(UsageError, match=f"^{said}$"):
        weight_bits_of(parsed(words))
