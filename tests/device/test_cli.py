from __future__ import annotations

import subprocess
import sys

import pytest

from device import __version__
from tests.conftest import ROOT


def test_version_is_told(device):
    assert device("--version").out == f"liteberry {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["info"], ["detect"]])
def test_wrong_command_exits_with_2(device, arguments):
    ran = device(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.err.endswith("--help\n")


def test_command_line_of_one_command_imports_no_other():
    script = (
        "import sys; from device.cli import make_parser\n"
        "args = make_parser(['verify', 'b']).parse_args(['verify', 'b'])\n"
        "print(args.command, [m for m in sys.modules if m.endswith(('.bench', '.doctor'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "verify []\n"


def test_command_that_is_misspelt_is_answered_with_all_there_are(device):
    said = device("veryfi").err
    assert "veryfi is none of detect, info, bench, doctor, events, hub, verify; did you" in said
