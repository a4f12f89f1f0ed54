from __future__ import annotations

import pytest

from device.bundle.hashes import sha256_of


def test_hash_is_that_of_the_standards_own_example(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "none")
