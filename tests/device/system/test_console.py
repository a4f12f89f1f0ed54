from __future__ import annotations

import io
import signal

import pytest

from device.system import console
from device.system.console import count_of, say, say_step, show


@pytest.fixture
def caught(monkeypatch):
    signals: list[int] = []
    monkeypatch.setattr(console, "signals_caught", signals)
    return signals


@pytest.mark.parametrize(("number", "text"), [(0, "0 threads"), (1, "1 thread"), (2, "2 threads")])
def test_only_one_of_a_thing_is_without_its_s(number, text):
    assert count_of(number, "thread") == text


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat\x1b]0;owned\x07", r"cat\x1b]0;owned\x07"),
        ("a\rb", r"a\rb"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("Fußgänger\tcafé\n猫", "Fußgänger\tcafé\n猫"),
    ],
)
def test_escape_sequences_are_spelled_out(text, shown, capsys):
    say(text)
    show(text)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


def test_result_that_the_terminal_cannot_write_is_spelled_out(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr("sys.stdout", out)
    show("Fußgänger, 猫")
    assert out.buffer.getvalue() == "Fußgänger, \\u732b\n".encode("latin-1")
