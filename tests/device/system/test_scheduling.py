from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from device.system.scheduling import batch_scheduling


@pytest.fixture
def given(monkeypatch):
    """The scheduling classes that this thread was given, the last being its own."""
    given = [os.SCHED_OTHER]
    monkeypatch.setattr(os, "sched_getscheduler", lambda number: given[-1] if number == 0 else None)
    monkeypatch.setattr(
        os, "sched_setscheduler", lambda number, policy, _: given.append(policy + number)
    )
    return given


def test_thread_is_a_batch_job_for_as_long_as_it_says_so(given):
    with batch_scheduling():
        assert given == [os.SCHED_OTHER, os.SCHED_BATCH]
    assert given == [os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_OTHER]


def test_thread_is_what_it_was_also_after_an_error(given):
    with pytest.raises(KeyError), batch_scheduling():
        raise KeyError
    assert given[-1] == os.SCHED_OTHER


@pytest.mark.parametrize("policy", [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_FIFO])
def test_what_was_set_by_hand_stays(given, policy):
    given[:] = [policy]
    with batch_scheduling():
        assert given == [policy]
    assert given == [policy]


def test_system_that_refuses_changes_nothing(monkeypatch, given):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with batch_scheduling():
        pass
    assert given == [os.SCHED_OTHER]


def test_system_without_scheduling_classes_changes_nothing(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.delattr(os, "sched_getscheduler")
    with batch_scheduling():
        pass


@pytest.mark.skipif(os.sched_getscheduler(0) != os.SCHED_OTHER, reason="set by hand")
def test_it_holds_for_one_thread_alone():
    with ThreadPoolExecutor(1) as other:
        other.submit(int).result()  # the thread is there
        with batch_scheduling():
            assert os.sched_getscheduler(0) == os.SCHED_BATCH
            assert other.submit(os.sched_getscheduler, 0).result() == os.SCHED_OTHER
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
