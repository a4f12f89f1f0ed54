"""Connections of the live page: how many there may be, of one address and in all.

Each costs memory, and a slow one is kept for half a minute: without bounds one machine could keep
all others out, and whoever looks after the service from knowing that it is well.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

MAX_CONNECTIONS = 96
MAX_PER_ADDRESS = 32  # a third; this machine's own are not counted: a proxy's visitors come so
MAX_RESERVED = 8  # beyond all those, for questions after health from this machine
RESERVED_S = 2.0  # for such a question to be asked
MAX_QUESTION_BYTES = 4096
HEALTH = b"GET /healthz "


def network_of(address: str) -> str:
    """What is counted as one: an address; of IPv6 the 64 bits that a household has to itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False).network_address)


def is_own(address: str) -> bool:
    """Whether ``address`` is this machine's, by loopback."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


class BoundedServer(HTTPServer):
    """An HTTP server with limits on connections.

    ``health`` is what it answers, as status and JSON, to those from this machine that are one too
    many and ask for nothing else.
    """

    health: Callable[[], tuple[int, bytes]] = staticmethod(lambda: (503, b"{}"))
    _reserved: frozenset[asyncio.Future[None]] = frozenset()

    def handle_stream(self, stream: IOStream, address: tuple[object, ...]) -> None:
        """Serve a new connection, or close it."""
        peer = str(address[0])
        if len(self._connections) < MAX_CONNECTIONS and (is_own(peer) or self._has_room(peer)):
            super().handle_stream(stream, address)
        elif is_own(peer) and len(self._reserved) < MAX_RESERVED:
            answer = asyncio.ensure_future(self._tell_health(stream))
            self._reserved |= {answer}
            answer.add_done_callback(self._end_reserved)
        else:
            stream.close()

    def _has_room(self, peer: str) -> bool:
        network = network_of(peer)
        # Their type says too little of it: it is what this server gave them.
        contexts: Iterable[Any] = (connection.context for connection in self._connections)
        peers = (context.remote_ip for context in contexts)
        return sum(network_of(other) == network for other in peers) < MAX_PER_ADDRESS

    def _end_reserved(self, answer: asyncio.Future[None]) -> None:
        self._reserved -= {answer}

    async def _tell_health(self, stream: IOStream) -> None:
        try:
            with contextlib.suppress(StreamClosedError, UnsatisfiableReadError, TimeoutError):
                async with asyncio.timeout(RESERVED_S):
                    question = await stream.read_until(b"\r\n\r\n", MAX_QUESTION_BYTES)
                    if question.startswith(HEALTH):
                        status, content = self.health()
                        await stream.write(
                            b"HTTP/1.1 %d \r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
                            % (status, len(content), content)
                        )
        finally:
            stream.close()
