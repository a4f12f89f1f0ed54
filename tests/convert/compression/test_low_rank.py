from __future__ import annotations

import numpy as np
import pytest

from convert.compression.low_rank import smallest_rank, split, split_layers


def kernel_of(values, inputs=24, outputs=32):
    """A kernel with these singular values."""
    random = np.random.default_rng(1)
    left, _ = np.linalg.qr(random.normal(size=(inputs, len(values))))
    right, _ = np.linalg.qr(random.normal(size=(outputs, len(values))))
    return ((left * values) @ right.T)[None, None].astype(np.float32)


def test_kernel_of_full_rank_is_its_two_factors():
    kernel = kernel_of([5.0, 3.0, 2.0, 1.0])
    first, second = split(kernel, 4)
    assert (first.shape, second.shape) == ((1, 1, 24, 4), (1, 1, 4, 32))
    assert np.abs(first[0, 0] @ second[0, 0] - kernel[0, 0]).max() < 1e-5


def test_what_is_left_out_are_the_least_singular_values():
    kernel = kernel_of([4.0, 2.0, 2.0, 1.0])  # squares 16, 4, 4, 1
    first, second = split(kernel, 2)
    left_out = np.square(first[0, 0] @ second[0, 0] - kernel[0, 0]).sum()
    assert left_out == pytest.approx(5.0, rel=1e-4)


@pytest.mark.parametrize(("error", "expected"), [(0.0099, 16), (0.2, 8), (1e-9, None)])
def test_smallest_rank_is_the_first_multiple_of_eight_that_is_near_enough(error, expected):
    # 8 values of 10, 8 of 1 and 8 of 0.1: 800, 8 and 0.08 of 808.08.
    kernel = kernel_of([10.0] * 8 + [1.0] * 8 + [0.1] * 8)
    assert smallest_rank(kernel, error) == expected


def test_layers_are_split_where_it_pays_alone(weights):
    wide, narrow = "expanded_conv_14.expand", "expanded_conv_15.expand"
    kernel = kernel_of([3.0] * 8, 160, 960)
    given = weights | {name: (kernel, weights[name][1]) for name in (wide, narrow)}
    asked = []

    def pays(name, rank):
        asked.append((name, rank))
        return name == wide

    made = split_layers(given, 1e-6, pays)
    assert made.keys() - given.keys() == {f"{wide}.reduce"}
    assert made[f"{wide}.reduce"][0].shape == (1, 1, 160, 8)
    assert (made[wide][1] == given[wide][1]).all()
    assert sorted(asked) == [(wide, 8), (narrow, 8)]
