"""A model of another format, given to every command of both programs that takes a model."""

from __future__ import annotations

from importlib import import_module

import pytest

from device.foreign_formats import foreign_format

# Where the model goes there is a None.
COMMANDS = [
    ("device", "detect", None, "--source", "demo"),
    ("device", "info", None),
    ("device", "verify", None),
    ("device", "bench", None),
    ("convert", "build", None),
    ("convert", "evaluate", None, "--images", "."),
    ("convert", "report", None),
    ("convert", "tune", None, "--max-drop", "1", "--images", ".", "--annotations", "a.json"),
    ("convert", "slim", None, "--max-drop", "1", "--images", ".", "--annotations", "a.json"),
    ("convert", "prelabel", ".", "--bundle", None),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[1])
@pytest.mark.parametrize("name", ["model.onnx", "best.pt"])
def test_every_command_says_the_same_of_it(tmp_path, monkeypatch, capfd, command, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(b"x")
    program, *words = (str(path) if word is None else word for word in command)
    assert import_module(f"{program}.cli").main(words) == 1
    assert capfd.readouterr().err.splitlines()[-1] == f"error: {foreign_format(path)}"
    assert [item.name for item in tmp_path.iterdir()] == [name]
