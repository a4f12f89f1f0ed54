from __future__ import annotations

import pytest

from device import __version__


def test_version_is_told(device):
    assert device("--version").out == f"liteberry {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["info"], ["detect"]])
def test_wrong_command_exits_with_2(device, arguments):
    ran = device(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.err.endswith("--help\n")


# Memory
