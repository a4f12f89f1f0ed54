"""Look-ups of names that hold nothing up: neither another name's, nor the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

from tornado.netutil import Resolver

Found = list[tuple[int, Any]]  # family and address of each socket to try


class ThreadedLookup(Resolver):
    """A resolver with a daemon thread per look-up; one at a time for each name.

    A look-up can hang for half a minute, and cannot be ended: a pool of threads would be full of
    the names of Pis that are off, and would be waited for at the end.
    """

    def initialize(self) -> None:
        """Begin without any under way."""
        self._under_way: dict[tuple[str, int], asyncio.Future[Found]] = {}

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> Found:
        """The addresses of ``host``; raises ``OSError``."""
        key = host, port
        if key not in self._under_way:
            loop = asyncio.get_running_loop()
            future = self._under_way[key] = loop.create_future()
            future.add_done_callback(lambda _: self._under_way.pop(key))
            arguments = (loop, future, host, port, family)
            threading.Thread(target=_look_up, args=arguments, name="lookup", daemon=True).start()
        return await asyncio.shield(self._under_way[key])


def _look_up(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Found],
    host: str,
    port: int,
    family: int,
) -> None:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        result: Found | Exception = [(item[0], item[4]) for item in found]
    except (OSError, UnicodeError) as exc:  # a name that no rule of names allows is a UnicodeError
        result = exc

    def tell() -> None:
        if future.cancelled():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
            future.exception()  # whoever asked may be gone
        else:
            future.set_result(result)

    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(tell)
