from __future__ import annotations

import signal

import pytest

from convert.training.interrupt import Interrupt


def test_first_interrupt_ends_in_good_order_and_the_second_at_once():
    said: list[str] = []
    interrupt = Interrupt(say=said.append)
    usual = signal.getsignal(signal.SIGINT)
    with interrupt.caught():
        signal.raise_signal(signal.SIGINT)
        assert interrupt.came
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is usual
    assert "becomes a bundle" in said[0]
