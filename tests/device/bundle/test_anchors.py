from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.anchors import load_npy, read_anchors
from device.errors import BundleError


def npz(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, anchors=array)
    return file.getvalue()


def promising(shape: str) -> bytes:
    """A header of float32 of this shape, and 64 bytes."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not an array"),
        (b"hello", "not an array"),
        (npy(np.zeros((9, 4), np.float32))[:-8], "not an array"),
        (npy(np.array([{}], object)), "not an array"),  # a pickle, which could run anything
        (npz(np.zeros((9, 4), np.float32)), r"a \.npz"),
        (promising("(1000000000000, 4)"), "tells of 4000000000000 values, 64 bytes follow"),
        (promising("(-1, 4)"), "not an array"),
        (promising("(" * 5000), "not an array"),
        (promising("- " * 4000 + "1"), "not an array"),
        (npy(np.zeros((9, 4))), r"expected float32 \(count, 4\), found float64"),
        (npy(np.zeros((9, 5), np.float32)), r"found float32 \(9, 5\)"),
        (npy(np.zeros(4, np.float32)), r"found float32 \(4,\)"),
    ],
    ids=[
        "empty",
        "text",
        "truncated",
        "pickle",
        "npz",
        "16TB",
        "less",
        "deep",
        "minus",
        "float64",
        "five",
        "flat",
    ],
)
def test_anchors_of_another_kind_are_rejected(tmp_path, data, said):
    (tmp_path / "anchors.npy").write_bytes(data)
    with pytest.raises(BundleError, match=said):
        read_anchors(tmp_path / "anchors.npy")


@pytest.mark.parametrize("order", ["C", "F"])
def test_anchors_come_back_as_they_were_saved(tmp_path, order):
    anchors = np.asarray(np.arange(36, dtype=np.float32).reshape(9, 4), order=order)
    np.save(tmp_path / "anchors.npy", anchors)
    assert np.array_equal(read_anchors(tmp_path / "anchors.npy"), anchors)


def test_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"anchors\.npy: No such file"):
        read_anchors(tmp_path / "anchors.npy")


@given(
    cut=st.integers(0, 200), changes=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)))
)
def test_any_damage_is_read_or_a_value_error(tmp_path_factory, cut, changes):
    data = bytearray(npy(np.ones((4, 4), np.float32)))
    for place, value in changes:
        if place < len(data):
            data[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(data[: len(data) - cut if cut < 100 else len(data)])
    with contextlib.suppress(ValueError):
        assert isinstance(load_npy(path), np.ndarray)
