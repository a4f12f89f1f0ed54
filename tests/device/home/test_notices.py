from __future__ import annotations

from device.home.notices import Notices


def test_notice_is_told_once():
    said: list[str] = []
    notices = Notices(said.append, most=16)
    for _ in range(3):
        notices.tell("a change is not made")
    notices.tell("another is not made")
    assert said == ["a change is not made", "another is not made"]


def test_strangers_who_always_cause_another_fill_neither_log_nor_memory():
    said: list[str] = []
    notices = Notices(said.append, most=16)
    for number in range(1000):
        notices.tell(f"threshold '{number}' is not taken")
    assert len(said) == len(notices.told) == 16
