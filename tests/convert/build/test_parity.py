import numpy as np
import pytest

from convert.build.parity import compare, real_outputs
from convert.errors import ConversionError
from device.bundle.heads import TensorSpec

A = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)


def test_equal_outputs_have_cosine_one():
    likeness = compare({"a": A}, {"a": A})
    assert likeness.cosine == pytest.approx(1.0)
    assert likeness.error_max == likeness.error_p99 == 0


def test_cosine_is_of_the_worst_output():
    turned = np.array([[4.0, 3.0], [0.0, 0.0]], np.float32)
    assert compare({"a": A, "b": turned}, {"a": A, "b": A}).cosine == pytest.approx(24 / 25)


def test_errors_are_over_all_outputs():
    off = A + np.array([[0.5, 0], [0, 0]], np.float32)
    likeness = compare({"a": off, "b": A}, {"a": A, "b": A})
    assert likeness.error_max == 0.5
    assert likeness.error_p99 == pytest.approx(np.quantile([0.5] + [0] * 7, 0.99))


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
        compare({"a": np.array(values, np.float32)}, {"a": A})


def test_output_that_hardly_moves_may_be_still_where_others_move():
    hardly = np.array([[3.0, 4.0], [3.1, 4.0]], np.float32)
    still = np.array([[3.0, 4.0], [3.0, 4.0]], np.float32)
    assert compare({"a": A, "b": still}, {"a": A, "b": hardly}).cosine > 0.999
    assert compare({"a": A, "b": still}, {"a": A, "b": still}).cosine == pytest.approx(1)


def test_outputs_that_are_all_the_same_on_every_picture_are_refused():
    still = np.array([[3.0, 4.0], [3.0, 4.0]], np.float32)
    with pytest.raises(ConversionError, match="a, b is the same on every picture"):
        compare({"a": still, "b": still}, {"a": still, "b": still})


def test_missing_output_is_refused():
    with pytest.raises(ConversionError, match="outputs"):
        compare({}, {"a": A})


def test_real_outputs_undo_quantisation():
    spec = TensorSpec(position=0, shape=(2,), dtype="int8", scale=0.5, zero_point=-1)
    real = real_outputs({"a": np.array([-1, 3], np.int8)}, {"a": spec})
    assert real["a"].tolist() == [0.0, 2.0]
