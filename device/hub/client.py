"""The client that asks Pis: bounded in size and time, and led nowhere else."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from tornado.httpclient import HTTPRequest
from tornado.iostream import IOStream
from tornado.netutil import Resolver
from tornado.simple_httpclient import (
    HTTPStreamClosedError,
    HTTPTimeoutError,
    SimpleAsyncHTTPClient,
)
from tornado.tcpclient import TCPClient

from device.hub.lookup import ThreadedLookup

CONNECT_TIMEOUT_S = 4.0
TIMEOUT_S = 8.0
MOST_HEADER_BYTES = 16 << 10


class NoAnswerError(Exception):
    """No answer that can be used; the text says why, in words."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """An answer within the bounds."""

    status: int
    body: bytes


class _Lines(TCPClient):
    """Connections, each of which can be closed though an answer is being waited for."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(resolver=resolver)
        self._open: WeakSet[IOStream] = WeakSet()

    async def connect(self, *where: Any, **how: Any) -> IOStream:
        stream = await super().connect(*where, **how)
        self._open.add(stream)
        return stream

    def close(self) -> None:
        for stream in list(self._open):
            stream.close()
        super().close()


class HostClient:
    """A client for as many hosts as there are, each asked for one thing at a time."""

    def __init__(self, hosts: int) -> None:
        self._hosts = hosts
        self._lookup = ThreadedLookup()
        self._lines = _Lines(self._lookup)
        self._clients: dict[int, SimpleAsyncHTTPClient] = {}  # by the bytes that they take

    async def get(self, url: str, token: str | None, most_bytes: int) -> HostAnswer:
        """The answer at ``url``, of at most ``most_bytes``. Raises :class:`NoAnswerError`.

        A redirect is an answer like another: nobody is led to where a token is not meant to go.
        """
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = HTTPRequest(
            url,
            headers=headers,
            connect_timeout=CONNECT_TIMEOUT_S,
            request_timeout=TIMEOUT_S,
            follow_redirects=False,
            decompress_response=False,
        )
        try:
            # Of a status that is an error the client makes no exception.
            response = await self._client(most_bytes).fetch(request, raise_error=False)
        except Exception as exc:  # whatever a stranger's bytes make the library raise
            raise NoAnswerError(_in_words(exc)) from exc
        return HostAnswer(response.code, response.body)

    def _client(self, most_bytes: int) -> SimpleAsyncHTTPClient:
        if most_bytes not in self._clients:
            client = SimpleAsyncHTTPClient(
                force_instance=True,
                resolver=self._lookup,
                max_clients=self._hosts,  # or those that hang would make the others wait
                max_body_size=most_bytes,
                max_buffer_size=most_bytes + MOST_HEADER_BYTES,
                max_header_size=MOST_HEADER_BYTES,
            )
            client.tcp_client = self._lines
            self._clients[most_bytes] = client
        return self._clients[most_bytes]

    def close(self) -> None:
        """Give back what the clients hold, and end what is under way."""
        for client in self._clients.values():
            client.close()


def _in_words(error: BaseException) -> str:
    if isinstance(error, HTTPTimeoutError | TimeoutError):
        return f"no answer within {TIMEOUT_S:.0f} s"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, HTTPStreamClosedError | ConnectionError):
        return "the connection broke, or more came than is read"
    if isinstance(error, socket.gaierror):
        return "no machine of that name is known here"
    if isinstance(error, OSError):
        return (error.strerror or "no way there").lower()
    return "an answer that is no HTTP"
