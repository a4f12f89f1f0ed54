from __future__ import annotations

import os

import msgspec
import pytest

from convert.errors import EvaluationError
from convert.side_file import read_side_file, write_side_file


class Weight(msgspec.Struct, frozen=True):
    grams: int


def read(path):
    return read_side_file(path, lambda data: msgspec.json.decode(data, type=Weight), "weigh again")


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "weight.json"
    write_side_file(path, Weight(3))
    assert path.read_bytes() == b'{\n "grams": 3\n}\n'
    assert read(path) == Weight(3)


def test_file_that_is_not_there_is_none(tmp_path):
    assert read(tmp_path / "weight.json") is None


@pytest.mark.parametrize("data", [b"", b'{"grams": "3"}', b"\xff", b"[" * 100_000])
def test_damaged_file_says_what_to_do(tmp_path, data):
    path = tmp_path / "weight.json"
    path.write_bytes(data)
    with pytest.raises(EvaluationError, match=r"weight\.json: .*; weigh again$"):
        read(path)


def test_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "weight.json")
    with pytest.raises(EvaluationError, match=r"cannot be read: no regular file"):
        read(tmp_path / "weight.json")


def test_file_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("convert.side_file.MOST_BYTES", 10)
    path = tmp_path / "weight.json"
    path.write_bytes(b'{"grams": 1234567}')
    with pytest.raises(EvaluationError, match="too large"):
        read(path)
