from __future__ import annotations

import signal

import pytest

from device.system import console
from device.system.console import say, say_step


@pytest.fixture
def caught(monkeypatch):
    signals: list[int] = []
    monkeypatch.setattr(console, "signals_caught", signals)
    return signals


def test_talk_goes_to_stderr_so_that_stdout_holds_results_alone(capsys):
    say("a word")
    assert capsys.readouterr() == ("", "a word\n")


def test_step_is_told_while_nobody_asked_to_end(caught, capsys):
    say_step("done")
    assert capsys.readouterr().err == "done\n"


def test_step_after_a_swallowed_ctrl_c_ends_the_command(caught, capsys):
    caught.append(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        say_step("done")
    assert capsys.readouterr().err == ""
