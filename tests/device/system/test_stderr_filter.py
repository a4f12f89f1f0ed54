from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.system.stderr_filter import chatter_dropped


def test_chatter_is_dropped_and_all_else_passed_on_in_order(capfd):
    with chatter_dropped():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nERROR: broken\n")
        os.write(2, b"VERBOSE: Replacing 99 of 100 nodes\nlast")
    assert capfd.readouterr().err == "ERROR: broken\nlast"


def test_what_was_said_is_passed_on_where_the_library_fails(capfd):
    with pytest.raises(ValueError, match="refused"), chatter_dropped():
        os.write(2, b"ERROR: why\n")
        raise ValueError("refused")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "ERROR: why\nafter\n"


def test_no_file_descriptor_is_left_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with chatter_dropped():
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before
