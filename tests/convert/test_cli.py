from __future__ import annotations

import subprocess
import sys

import pytest

from convert.cli import main, make_parser
from device import __version__
from tests.conftest import ROOT

COMMANDS = ("build", "train", "dataset", "prelabel", "evaluate", "tune", "report", "zoo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m convert {command}" in capsys.readouterr().out


def test_commands_are_listed_with_a_line_each(capsys):
    with pytest.raises(SystemExit):
        make_parser().parse_args(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n    {command} " in said for command in COMMANDS)


def test_version_is_the_projects(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"liteberry {__version__}\n"


@pytest.mark.parametrize("words", [[], ["biuld"], ["zoo", "--jsn"]])
def test_wrong_words_are_one_line_and_exit_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_help_waits_for_no_heavy_package():
    code = (
        "import sys\n"
        "from convert.cli import make_parser\n"
        "make_parser()\n"
        "print([m for m in ('tensorflow', 'keras', 'cv2', 'ai_edge_quantizer') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
