from __future__ import annotations

import numpy as np
import pytest

from convert.models.array_archive import DAMAGED, pack_arrays, read_arrays


def test_arrays_are_read_as_they_were_packed(tmp_path):
    arrays = {
        "a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "names": np.array(["é", "b"]),
    }
    (tmp_path / "arrays.npz").write_bytes(pack_arrays(arrays))
    found = read_arrays(tmp_path / "arrays.npz")
    assert found.keys() == arrays.keys()
    for name, values in arrays.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no archive"])
def test_what_is_no_archive_is_damaged(data, tmp_path):
    (tmp_path / "arrays.npz").write_bytes(data)
    with pytest.raises(DAMAGED):
        read_arrays(tmp_path / "arrays.npz")


class Payload:
    """Something that a pickle would run."""

    def __reduce__(self):
        return pytest.fail, ("it was run",)


def test_what_would_be_run_is_not(tmp_path):
    np.savez(tmp_path / "arrays.npz", a=np.array([Payload()], dtype=object))
    with pytest.raises(DAMAGED):
        read_arrays(tmp_path / "arrays.npz")
