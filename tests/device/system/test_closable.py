from __future__ import annotations

import pytest

from device.system.closable import Closable


class Thing(Closable):
    closed = 0

    def close(self):
        self.closed += 1


def test_block_closes_what_it_was_given():
    with Thing() as thing:
        assert thing.closed == 0
    assert thing.closed == 1


def test_error_in_the_block_closes_it_too_and_is_not_swallowed():
    thing = Thing()
    with pytest.raises(KeyError), thing:
        raise KeyError
    assert thing.closed == 1


def test_what_cannot_be_closed_cannot_be_made():
    with pytest.raises(TypeError, match="close"):
        Closable()
