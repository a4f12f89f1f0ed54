from __future__ import annotations

import json

import pytest

from device.bench.record import FORMAT, encode, read
from device.errors import BenchmarkError
from tests.device.bench.conftest import make_benchmark, make_result


def test_what_is_written_is_read_again(full, tmp_path):
    path = tmp_path / "pi5.json"
    path.write_bytes(encode(full))
    assert read(path) == full


def test_rows_of_numbers_are_on_one_line_each(full):
    text = encode(full).decode()
    assert "\n    [4.0,4.1,4.2],\n    [4.0,4.1,4.2]\n" in text
    assert json.loads(text)["results"][0]["invoke"]["count"] == 6
    assert text.endswith("}\n")


def changed(**values: object) -> bytes:
    return json.dumps(json.loads(encode(make_benchmark([make_result()]))) | values).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not what bench --json writes"),
        (b"\xff\xfe", "not what bench --json writes"),
        (b"[" * 100_000, "not what bench --json writes"),
        (b"{}", "missing required field `format`"),
        (changed(results=1), r"at `\$.results`"),
        (changed(unknown=1), "unknown field `unknown`"),
        (changed(format=FORMAT + 1), f"has format {FORMAT + 1}, this liteberry reads up to"),
    ],
)
def test_other_file_is_refused_with_its_name_and_reason(tmp_path, data, said):
    path = tmp_path / "old.json"
    path.write_bytes(data)
    with pytest.raises(BenchmarkError, match=rf"old\.json.*{said}"):
        read(path)


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(BenchmarkError, match=r"none\.json: No such file.*bench --json"):
        read(tmp_path / "none.json")
