from __future__ import annotations

import pytest

from device.toml_file import MOST_LEVELS, TomlError, read_toml

DEEP = f"more than {MOST_LEVELS} levels deep"
LONG = f"a key of more than {MOST_LEVELS} parts"


def nested(levels: int) -> str:
    """A table, and arrays in it that make so many levels in all."""
    return f"a = {'[' * (levels - 1)}{']' * (levels - 1)}"


def test_file_is_read_as_toml(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text('a = 1\n[[b]]\nc.d = "1.2.3.4"\n')
    assert read_toml(file) == {"a": 1, "b": [{"c": {"d": "1.2.3.4"}}]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = = 1", r"Invalid value \(at line 1, column 5\)"),
        ("a = 1\na = 2", "Cannot overwrite a value"),
        pytest.param(f"a = {'9' * 5000}", "4300 digits", id="digits"),
        ("a = 2026-02-30T00:00:00", "Invalid date or datetime"),
        pytest.param(nested(MOST_LEVELS + 1), DEEP, id="a level too many"),
        pytest.param(nested(20_000), DEEP, id="arrays"),
        pytest.param("a = " + "{b = " * 5000 + "1" + "}" * 5000, DEEP, id="tables"),
        # tomllib would take a quarter of a minute.
        pytest.param(".".join(["a"] * 20_000) + " = 1", LONG, id="parts"),
        pytest.param(" . ".join(['"a b"', "'c'"] * 9000) + " = 1", LONG, id="parts in quotes"),
        ("a = '\udcff'", "can't decode byte 0xff"),
    ],
)
def test_what_is_no_settings_file_is_said_in_one_line(tmp_path, text, complaint):
    file = tmp_path / "a.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TomlError, match=complaint) as refused:
        read_toml(file)
    assert "\n" not in str(refused.value)


def test_as_many_levels_as_may_be_are_read(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(nested(MOST_LEVELS))
    assert list(read_toml(file)) == ["a"]


def test_file_too_large_is_not_read(tmp_path):
    file = tmp_path / "a.toml"
    with file.open("wb") as opened:
        opened.truncate(5_000_000)
    with pytest.raises(OSError, match="more than 4 MB"):
        read_toml(file)


def test_long_word_is_read_in_one_go(tmp_path):
    """Looked through from each of its letters, it would take days."""
    file = tmp_path / "a.toml"
    file.write_text(f'a = "{"b" * 3_000_000}"')
    assert len(read_toml(file)["a"]) == 3_000_000
