"""The client, and servers that mean it no good."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from device.hub.client import HostAnswer, HostClient, NoAnswerError
from tests.helpers.simulated_pis import SimulatedPi, metrics, respond, serving_pis

MOST = 10_000


def get(port: int, path: str = "metrics", token: str | None = None, most: int = MOST) -> HostAnswer:
    async def ask() -> HostAnswer:
        client = HostClient(4)
        with contextlib.closing(client):
            return await client.get(f"http://127.0.0.1:{port}/{path}", token, most)

    return asyncio.run(ask())


async def redirect(pi, path, writer):
    writer.write(respond(302, "text/plain", b"", "Location: /elsewhere"))
    await writer.drain()


async def too_much(pi, path, writer):
    writer.write(respond(200, "text/plain", b"x" * (MOST + 1)))
    await writer.drain()


async def endless(pi, path, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def endless_headers(pi, path, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def continues_for_ever(pi, path, writer):
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()


async def no_http(pi, path, writer):
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def hangs(pi, path, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
    await writer.drain()
    await asyncio.Event().wait()


async def shrinks(pi, path, writer):
    """A small body that a decoder would make a large one of."""
    import gzip

    body = gzip.compress(bytes(10_000_000))[:MOST]
    writer.write(respond(200, "text/plain", body, "Content-Encoding: gzip"))
    await writer.drain()


def test_answer_comes_with_its_status_and_the_token_went_along():
    with serving_pis([SimulatedPi(metrics("a"), token="open")]) as (pi,):
        assert get(pi.port, token="open") == HostAnswer(200, metrics("a"))
        assert get(pi.port, token="wrong").status == 401
        assert get(pi.port).status == 401
    assert [token for _, token in pi.asked] == ["open", "wrong", None]


def test_redirect_is_not_followed():
    with serving_pis([SimulatedPi(behaves=redirect)]) as (pi,):
        assert get(pi.port, token="open").status == 302
    assert pi.asked == [("/metrics", "open")]


@pytest.mark.parametrize(
    "behaves", [too_much, endless, endless_headers, continues_for_ever, no_http]
)
def test_what_is_too_much_or_no_http_is_no_answer(behaves):
    with serving_pis([SimulatedPi(behaves=behaves)]) as (pi,), pytest.raises(NoAnswerError):
        get(pi.port)


def test_what_is_compressed_stays_so():
    with serving_pis([SimulatedPi(behaves=shrinks)]) as (pi,):
        assert len(get(pi.port).body) <= MOST


def test_answer_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr("device.hub.client.TIMEOUT_S", 0.1)
    given_up = pytest.raises(NoAnswerError, match="no answer within")
    with serving_pis([SimulatedPi(behaves=hangs)]) as (pi,), given_up:
        get(pi.port)


def test_nobody_there_is_said_in_words():
    with serving_pis([SimulatedPi()]) as (pi,):
        port = pi.port
    with pytest.raises(NoAnswerError, match="nothing listens there"):
        get(port)


def test_name_that_nobody_has_is_said_in_words():
    async def ask():
        client = HostClient(1)
        with contextlib.closing(client):
            await client.get("http://nowhere.invalid:1/", None, MOST)

    with pytest.raises(NoAnswerError, match="no machine of that name"):
        asyncio.run(ask())
