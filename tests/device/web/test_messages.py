from __future__ import annotations

import pytest

from device.web.messages import PERIOD_S, MessageTest, TooSoonError
from tests.helpers.live_page import Phone


def test_next_test_waits_for_the_pause():
    now_s = 100.0
    test = MessageTest(Phone(), lambda: now_s)
    test.begin()
    test.end()
    now_s += PERIOD_S - 0.5
    with pytest.raises(TooSoonError, match="the next may go in 1 s"):
        test.begin()
    now_s += 0.5
    test.begin()


def test_only_one_test_is_under_way():
    test = MessageTest(Phone())
    test.begin()
    with pytest.raises(TooSoonError, match="under way already"):
        test.begin()
