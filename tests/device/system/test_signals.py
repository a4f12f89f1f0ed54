from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest

from device.system.signals import (
    ENDING,
    children_begin_with_defaults,
    ending_postponed,
    handle_ending,
    is_ignored,
)

INT, HUP, TERM = signal.SIGINT, signal.SIGHUP, signal.SIGTERM
IGNORED_BY_A_CHILD = (
    "import json, signal\n"
    "print(json.dumps([n for n in (2, 1, 15) if signal.getsignal(n) is signal.SIG_IGN]))"
)


def set_all(*ignored: int) -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


def ignored_by_a_child() -> list[int]:
    done = subprocess.run([sys.executable, "-c", IGNORED_BY_A_CHILD], capture_output=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("ignored", "handled"),
    [
        ((), {INT, HUP, TERM}),
        ((INT,), {HUP, TERM}),  # a shell's `&`
        ((HUP,), {INT, TERM}),  # nohup
        ((INT, HUP, TERM), {TERM}),
    ],
)
def test_what_a_terminal_sends_stays_ignored_and_sigterm_always_ends(ignored, handled):
    set_all(*ignored)
    came = []
    handle_ending(lambda number, _: came.append(number))
    for number in (INT, HUP, TERM):
        signal.raise_signal(number)
    assert set(came) == handled


def test_children_inherit_what_is_ignored_but_where_they_begin_with_defaults():
    set_all(INT, HUP)
    assert ignored_by_a_child() == [INT, HUP]
    with children_begin_with_defaults():
        assert ignored_by_a_child() == []
        for number in (INT, HUP):
            signal.raise_signal(number)  # still does nothing here
    assert [is_ignored(number) for number in (INT, HUP, TERM)] == [True, True, False]
    assert ignored_by_a_child() == [INT, HUP]


def test_signals_come_once_and_after_the_block_they_were_postponed_in():
    set_all(HUP)
    came = []
    handle_ending(lambda number, _: came.append(number))
    with ending_postponed():
        for number in (TERM, INT, TERM, HUP):
            signal.raise_signal(number)
        assert came == []
    assert came == [TERM, INT]


def test_signal_postponed_comes_although_the_block_fails():
    came = []
    set_all()
    handle_ending(lambda number, _: came.append(number))
    with pytest.raises(ZeroDivisionError), ending_postponed():
        signal.raise_signal(INT)
        raise ZeroDivisionError
    assert came == [INT]


@pytest.mark.parametrize("block", [ending_postponed, children_begin_with_defaults])
def test_other_threads_leave_signals_alone(block):
    set_all(INT)
    found = []

    def use() -> None:
        with block():
            found.append([is_ignored(number) for number in (INT, HUP, TERM)])

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert found == [[True, False, False]]
