"""The fleet: a monitor for each Pi of the roster, and whether somebody looks at them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

from device.hub.monitor import Client, Monitor
from device.hub.roster import Member

WATCHED_S = 30.0  # after the page has last asked


class Fleet:
    """The monitors of all Pis. From :meth:`follow` on it needs the loop that this is called in."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._monitors: dict[Member, Monitor] = {}
        self._tasks: dict[Member, asyncio.Task[None]] = {}
        self._numbers = itertools.count()
        self._watched_until_s = 0.0

    @property
    def monitors(self) -> Sequence[Monitor]:
        """All of them, in the order of the hosts file."""
        return list(self._monitors.values())

    def monitor(self, number: int) -> Monitor | None:
        """The one of that number, if it is still there."""
        return next((one for one in self._monitors.values() if one.number == number), None)

    def follow(self, members: Sequence[Member]) -> None:
        """Ask these, and no other any more; those that were asked before go on as they are."""
        for gone in self._monitors.keys() - set(members):
            self._tasks.pop(gone).cancel()
        self._monitors = {one: self._monitors.get(one) or self._begin(one) for one in members}

    def _begin(self, member: Member) -> Monitor:
        monitor = Monitor(member.host, member.token, self._client, next(self._numbers))
        self._tasks[member] = asyncio.create_task(monitor.run(self.is_watched))
        return monitor

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = list(self._tasks.values())
        self.follow([])
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self) -> None:
        """Note that somebody looks."""
        self._watched_until_s = time.monotonic() + WATCHED_S

    def is_watched(self) -> bool:
        """Whether somebody has looked of late."""
        return time.monotonic() < self._watched_until_s
