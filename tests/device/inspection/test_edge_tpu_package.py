"""Tests of what a compiled part says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.inspection.edge_tpu_package import oldest_runtime
from tests.helpers.tiny_models import compiled_part


@pytest.mark.parametrize("runtime", [13, 14, None])
def test_oldest_runtime_is_what_the_part_says(runtime):
    assert oldest_runtime(compiled_part(runtime)) == runtime


@given(st.binary(max_size=64))
def test_any_bytes_are_a_number_or_nothing(options):
    assert isinstance(oldest_runtime(options), int | None)


@given(place=st.integers(0, len(compiled_part()) - 1), byte=st.integers(0, 255))
def test_a_damaged_part_says_a_number_or_nothing(place, byte):
    damaged = bytearray(compiled_part())
    damaged[place] = byte
    assert isinstance(oldest_runtime(bytes(damaged)), int | None)
