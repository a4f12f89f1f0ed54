from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from device.paths import ROOT
from tests.helpers.device_command import finish, spawn


def test_token_is_said_to_a_terminal_and_to_no_log(small_bundle):
    run = ("detect", small_bundle, "--source", "demo", "--frames", "2")
    page = ("--serve", "127.0.0.1:0", "--token", "open-sesame")
    ran = finish(spawn(*run, *page))
    assert ran.code == 0, ran.err
    assert "watch it at http://127.0.0.1:" in ran.err
    assert "open-sesame" not in ran.err + ran.out
    near, far = os.openpty()
    with os.fdopen(near, "rb", buffering=0) as terminal:
        command = [sys.executable, "-m", "device", *run, *page]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=far) as child:
            os.close(far)
            said = b""
            with contextlib.suppress(OSError):  # the terminal's end
                while part := terminal.read(4096):
                    said += part
        assert child.returncode == 0
    assert b"/?token=open-sesame\r\n" in said
    assert "\u2580".encode() not in said  # no phone reaches this machine by 127.0.0.1
