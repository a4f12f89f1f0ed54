from __future__ import annotations

import asyncio

from device.hub.client import NoAnswerError
from device.hub.fleet import WATCHED_S, Fleet
from device.hub.hosts import Host
from device.hub.roster import Member

GARDEN, BARN = (Member(Host(name, f"{name}:8080"), None) for name in ("garden", "barn"))


class NobodyAnswers:
    """In place of all Pis."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, url, token, most_bytes):
        self.asked.append(url.split("/")[2])
        raise NoAnswerError("nothing listens there")


def test_members_are_asked_from_when_they_are_followed_until_they_are_not(monkeypatch):
    monkeypatch.setattr("device.hub.monitor.random.random", lambda: 0.0)
    monkeypatch.setattr("device.hub.monitor.PERIOD_S", 0.0)
    client = NobodyAnswers()

    async def follow() -> None:
        fleet = Fleet(client)
        fleet.follow([GARDEN])
        while len(client.asked) < 3:
            await asyncio.sleep(0)
        assert set(client.asked) == {"garden:8080"}
        (first,) = fleet.monitors
        fleet.follow([BARN, GARDEN])
        assert [monitor.host for monitor in fleet.monitors] == [BARN.host, GARDEN.host]
        assert fleet.monitors[1] is first, "one that stays goes on"
        assert fleet.monitor(first.number) is first
        assert fleet.monitors[0].number != first.number
        fleet.follow([BARN])
        assert fleet.monitor(first.number) is None
        client.asked.clear()
        while len(client.asked) < 3:
            await asyncio.sleep(0)
        assert set(client.asked) == {"barn:8080"}
        fleet.follow([BARN, GARDEN])
        assert fleet.monitors[1].number not in (first.number, fleet.monitors[0].number)
        await fleet.close()
        assert len(asyncio.all_tasks()) == 1, "this one"

    asyncio.run(follow())


def test_fleet_is_watched_for_a_while_after_somebody_looked(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr("device.hub.fleet.time.monotonic", lambda: now_s)
    fleet = Fleet(NobodyAnswers())
    assert not fleet.is_watched()
    fleet.watch()
    assert fleet.is_watched()
    now_s += WATCHED_S
    assert not fleet.is_watched()
