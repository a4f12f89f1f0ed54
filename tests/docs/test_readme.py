"""Every command in the README and the docs is one that the programs understand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

import convert.arm.__main__
import convert.cli
import convert.training.drawn
import device.cli
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PARSERS = {
    "device": device.cli.make_parser,
    "convert": convert.cli.make_parser,
    "convert.arm": convert.arm.__main__.make_parser,
    "convert.training.drawn": convert.training.drawn.make_parser,
}


def commands() -> list[str]:
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            found += [line.split("#")[0].strip() for line in lines if line.strip()]
        # And those in running text, which may be broken across lines.
        for text in re.findall(r"`(python -m [^`]+)`", page.read_text()):
            found.append(" ".join(text.split()))
    return found


@pytest.mark.parametrize("command", commands())
def test_command_is_understood(command):
    words = shlex.split(command)
    if words[:2] == ["python", "-m"]:
        PARSERS[words[2]]().parse_args(words[3:])
    elif words[:2] == ["python", "-c"]:
        done = subprocess.run(
            [sys.executable, "-c", words[2]], cwd=ROOT, capture_output=True, text=True
        )
        assert done.stdout == "False\n", done.stderr
    elif words[0] == "python":
        script = ROOT / words[1]
        done = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr
    elif words[0] == "make":
        done = subprocess.run(["make", "-n", words[1]], cwd=ROOT, capture_output=True)
        assert done.returncode == 0
    else:
        assert words[0] == "./deploy.sh"
        assert (ROOT / "deploy.sh").stat().st_mode & 0o111


def test_every_command_of_the_programs_is_shown():
    shown = {tuple(shlex.split(command)[2:4]) for command in commands() if "-m" in command}
    assert shown >= {
        ("device", "detect"),
        ("device", "info"),
        ("device", "bench"),
        ("convert", "build"),
        ("convert", "evaluate"),
        ("convert", "zoo"),
    }


def test_make_help_lists_every_phony_target():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(phony[1].split())
