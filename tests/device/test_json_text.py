from __future__ import annotations

import ast

import msgspec
import pytest

from device.json_text import decode_json
from tests.conftest import ROOT


class _Point(msgspec.Struct):
    x: int


def test_content_is_checked_against_its_type():
    assert decode_json(b'{"x": 3}', _Point) == _Point(3)
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        decode_json(b'{"x": "3"}', _Point)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"x": ' + b"9" * 5000 + b"}",
        b'{"\xff": 1}',
        b'{"y": ' + b"[" * 100_000 + b"]" * 100_000 + b', "x": 1}',
    ],
    ids=["empty", "open", "digits", "no UTF-8", "deep"],
)
def test_whatever_is_wrong_is_one_kind_of_error(data):
    with pytest.raises(msgspec.DecodeError):
        decode_json(data, _Point)


def test_nobody_else_in_device_decodes_what_others_wrote():
    asked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "device").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "msgspec.json.decode"
    }
    assert asked == {
        "device/json_text.py",
        "device/pipeline/scene_editor.py",  # what it has just encoded itself
    }
