import numpy as np
import pytest

from convert.errors import ConversionError
from convert.parity import least_cosine, real_outputs
from device.manifest import TensorSpec

A = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


def test_equal_outputs_have_cosine_one():
    assert least_cosine({"a": A}, {"a": A}) == pytest.approx(1.0)


def test_cosine_is_of_the_worst_output():
    turned = np.array([[4.0, 3.0], [0.0, 0.0]], np.float32)
    found = least_cosine({"a": A, "b": turned}, {"a": A, "b": A})
    assert found == pytest.approx(24 / 25)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([[np.nan, 4.0], [0, 0]], "NaN"),
        ([[np.inf, 4.0], [0, 0]], "infinity"),
        ([[3.0, 4.0], [3.0, 4.0]], "same on every picture"),
        ([[3.0], [4.0]], r"shape \(2, 1\), expected \(2, 2\)"),
    ],
)
def test_broken_output_is_refused(values, complaint):
    with pytest.raises(ConversionError, match=complaint):
        least_cosine({"a": np.array(values, np.float32)}, {"a": A})


def test_missing_output_is_refused():
    with pytest.raises(ConversionError, match="outputs"):
        least_cosine({}, {"a": A})


def test_real_outputs_undo_quantisation():
    spec = TensorSpec(position=0, shape=(2,), dtype="int8", scale=0.5, zero_point=-1)
    real = real_outputs({"a": np.array([-1, 3], np.int8)}, {"a": spec})
    assert real["a"].tolist() == [0.0, 2.0]
