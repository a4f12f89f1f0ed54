import argparse
import contextlib
import os
import signal

import pytest

from device.commands.runner import INTERRUPTED, run_command
from device.errors import LiteberryError
from device.system.console import say_step


def parser_that_runs(run):
    parser = argparse.ArgumentParser()
    parser.set_defaults(handler=run, debug=False)
    return parser


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_swallowed_by_a_library_ends_the_command_at_the_next_step(
    number, restored_signals, capsys
):
    def run(_):
        with contextlib.suppress(BaseException):  # the library
            os.kill(os.getpid(), number)
        say_step("should not be said")

    assert run_command(parser_that_runs(run), []) == INTERRUPTED
    assert capsys.readouterr().err == "interrupted: nothing was left half-written\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [(ImportError("half imported"), ""), (LiteberryError("no converter"), "error: no converter\n")],
)
def test_ctrl_c_of_which_a_library_made_another_error_is_an_interrupt(
    error, said, restored_signals, capsys
):
    def run(_):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        raise error

    assert run_command(parser_that_runs(run), []) == INTERRUPTED
    assert capsys.readouterr().err == f"{said}interrupted: nothing was left half-written\n"


def test_error_that_nobody_expected_without_an_interrupt_keeps_its_traceback(restored_signals):
    def run(_):
        raise ImportError("no such thing")

    with pytest.raises(ImportError, match="no such thing"):
        run_command(parser_that_runs(run), [])


def test_an_interrupt_of_an_earlier_command_does_not_end_the_next(restored_signals, capsys):
    def interrupted(_):
        os.kill(os.getpid(), signal.SIGINT)

    assert run_command(parser_that_runs(interrupted), []) == INTERRUPTED
    assert run_command(parser_that_runs(lambda _: say_step("done")), []) == 0
    assert capsys.readouterr().err.endswith("done\n")


def test_ctrl_c_stays_ignored_where_the_shell_asked_for_that(restored_signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert run_command(parser_that_runs(lambda _: os.kill(os.getpid(), signal.SIGINT)), []) == 0
