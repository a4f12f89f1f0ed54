from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.compiled_model import (
    EDGE_TPU_OPERATOR,
    custom_operators,
    is_compiled_for_edge_tpu,
)
from tests.helpers import tiny_models

COMPILED = tiny_models.compiled()


def test_operators_that_are_no_part_of_the_format_are_read_from_the_file():
    assert custom_operators(COMPILED) == [EDGE_TPU_OPERATOR]
    assert custom_operators(tiny_models.ssd()) == [tiny_models.POST_PROCESS]
    assert custom_operators(tiny_models.classifier()) == []


def test_name_elsewhere_in_a_file_does_not_make_it_compiled(tmp_path):
    (tmp_path / "model.tflite").write_bytes(
        tiny_models.classifier(metadata=EDGE_TPU_OPERATOR.encode())
    )
    assert not is_compiled_for_edge_tpu(tmp_path / "model.tflite")


def test_compiled_file_is_told_and_others_are_not(tmp_path):
    (tmp_path / "model.tflite").write_bytes(COMPILED)
    assert is_compiled_for_edge_tpu(tmp_path / "model.tflite")
    (tmp_path / "text.tflite").write_text(EDGE_TPU_OPERATOR)
    assert not is_compiled_for_edge_tpu(tmp_path / "text.tflite")
    assert not is_compiled_for_edge_tpu(tmp_path / "missing.tflite")
    assert not is_compiled_for_edge_tpu(tmp_path)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\xff" * 8, b"\xff\xff\xff\x7fTFL3", bytes(64)])
def test_bytes_that_are_no_model_have_no_operators(data):
    assert custom_operators(data) == []


@given(st.integers(0, len(COMPILED) - 1), st.integers(0, 255))
def test_damaged_file_never_fails(place, byte):
    damaged = COMPILED[:place] + bytes([byte]) + COMPILED[place + 1 :]
    assert isinstance(custom_operators(damaged), list)
    assert isinstance(custom_operators(COMPILED[:place]), list)
