"""Pis that are well, ill or hostile, for a hub to ask: one thread serves all their ports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

HOST = "127.0.0.1"

Behaviour = Callable[["SimulatedPi", str, asyncio.StreamWriter], Awaitable[None]]


def respond(status: int, kind: str, body: bytes, *lines: str) -> bytes:
    """An answer of HTTP."""
    head = [
        f"HTTP/1.1 {status} -",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def metrics(
    name: str,
    *,
    version: str = "0.9",
    bundle: str = "0123456789ab",
    up: int = 1,
    camera_lost: int = 0,
    fps: float = 14.2,
    temperature: float = 51.5,
    throttled: int = 0,
    under_voltage: int = 0,
) -> bytes:
    """What a Pi tells at ``/metrics``, as far as a hub reads it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return (
        "# HELP liteberry_info What runs.\n"
        f'liteberry_info{{bundle="{bundle}",model="ssdlite_mobilenet_v2",name="{escaped}",'
        f'task="detection",variant="int8",version="{version}"}} 1.0\n'
        f"liteberry_up {up}.0\nliteberry_camera_lost {camera_lost}.0\nliteberry_fps {fps}\n"
        f"liteberry_temperature_celsius {temperature}\nliteberry_throttled {throttled}.0\n"
        f"liteberry_under_voltage {under_voltage}.0\nliteberry_disk_free_bytes 2.5e+10\n"
    ).encode()


@dataclass
class SimulatedPi:
    """A Pi: what it tells, and how it behaves where that is not as it should be."""

    text: bytes = b""
    jpeg: bytes = b""
    token: str | None = None
    visit: dict[str, object] | None = None
    behaves: Behaviour | None = None
    port: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # paths and tokens

    @property
    def line(self) -> str:
        """Its line in a hosts file."""
        return f"pi@{HOST} page={HOST}:{self.port}"

    def answer(self, path: str, token: str | None) -> bytes:
        """As a Pi answers."""
        if self.token is not None and token != self.token:
            return respond(401, "application/json", b'{"error":"the token is missing"}')
        if path == "/metrics":
            return respond(200, "text/plain", self.text)
        if path == "/snapshot.jpg" and self.jpeg:
            return respond(200, "image/jpeg", self.jpeg)
        if path.startswith("/api/visits") and self.visit is not None:
            return respond(200, "application/json", json.dumps({"visits": [self.visit]}).encode())
        return respond(404, "application/json", b'{"error":"no"}')

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
            writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # whoever asked is gone, or takes no more

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split()[1]
        bearer = "Authorization: Bearer "
        tokens = [x.removeprefix(bearer) for x in head.split("\r\n") if x.startswith(bearer)]
        token = tokens[0] if tokens else None
        self.asked.append((path, token))
        if self.behaves is not None:
            await self.behaves(self, path, writer)
        else:
            writer.write(self.answer(path, token))
            await writer.drain()


class _Connection(asyncio.StreamReaderProtocol):
    """A connection that is among those ``open`` from its first moment to its last."""

    def __init__(self, pi: SimulatedPi, opened: dict[asyncio.BaseTransport, object]) -> None:
        super().__init__(asyncio.StreamReader(), pi.serve)
        self._opened = opened
        self._own: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = transport
        super().connection_made(transport)
        # The loop itself remembers neither: one that waits would be collected as garbage.
        self._opened[transport] = self

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._own is not None:
            self._opened.pop(self._own, None)


async def turns(count: int = 10) -> None:
    """Let the loop turn: from a connection that came to the task that answers it are four."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.contextmanager
def serving_pis(pis: Sequence[SimulatedPi]) -> Iterator[Sequence[SimulatedPi]]:
    """The Pis, each at a port of its own on loopback."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    opened: dict[asyncio.BaseTransport, object] = {}

    async def serve() -> None:
        servers = []
        for pi in pis:
            server = await loop.create_server(partial(_Connection, pi, opened), HOST, pi.port)
            pi.port = server.sockets[0].getsockname()[1]
            servers.append(server)
        ready.set()
        await stop.wait()
        await turns()  # a server that is closed loses the connections that have just come
        for server in servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for transport in list(opened):
            transport.abort()  # type: ignore[attr-defined]
        await turns()  # in which they are closed

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield pis
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
