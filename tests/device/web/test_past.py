"""The past as the page asks for it: what handlers cannot show."""

from __future__ import annotations

import asyncio
import threading

import pytest

from device.events.records import StoreError, VisitFilter
from device.events.store import EventStore
from device.web.past import Past
from tests.helpers.past import make_past


@pytest.fixture
def past(tmp_path):
    return Past(make_past(tmp_path), tmp_path / "clips")


def test_store_is_read_by_one_at_a_time_in_another_thread(past):
    busy, most, threads = 0, 0, set()

    def question():
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        threads.add(threading.current_thread())
        past.visits(VisitFilter(), 3, None)
        busy -= 1

    async def ask():
        await asyncio.gather(*(past.ask(question) for _ in range(8)))

    asyncio.run(ask())
    assert most == 1
    assert threading.main_thread() not in threads


def test_picture_that_is_damaged_is_told_of(past, tmp_path):
    store = EventStore(tmp_path / "events.db")
    store._db.execute("UPDATE visit SET picture = x'00ff'")
    store.close()
    assert past.picture(2, drawn=False) == b"\x00\xff"
    with pytest.raises(StoreError, match="damaged"):
        past.picture(2, drawn=True)
