"""The live page's server, asked by programs."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading

import pytest

from device.errors import SinkError
from device.web.address import Address
from device.web.server import LivePage
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.live_page import WebSocket, visit


def test_passwords_of_a_camera_are_not_shown(run):
    with WebSocket(run.host) as watching:
        hello = watching.text()["hello"]
    assert hello["source"] == "rtsp://***@camera/stream"
    assert b"secret" not in run.ask("/metrics")[2]


def test_viewers_beyond_the_limit_are_refused(run, monkeypatch):
    monkeypatch.setattr("device.web.handlers.MAX_VIEWERS", 2)
    with WebSocket(run.host), WebSocket(run.host) as second:
        second.image()
        status, _, content = run.ask("/events")
        assert (status, json.loads(content)["error"]) == (503, "2 watch already")
    run.until(lambda: run.ask("/snapshot.jpg")[0] == 200)


def test_connections_beyond_the_limit_are_asked_for_nothing_but_health(bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.connections.MAX_CONNECTIONS", 3)
    monkeypatch.setattr("device.web.connections.MAX_RESERVED", 2)
    monkeypatch.setattr("device.web.connections.RESERVED_S", PATIENCE_S)
    with visit(bundle_dir) as run, contextlib.ExitStack() as stack:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        host, _, port = run.host.partition(":")
        lines = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            for _ in range(6)
        ]
        assert lines[5].recv(1) == b""  # the reserve is full
        lines[4].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lines[4].recv(1) == b""
        lines[3].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = lines[3].makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b'{"status":"ok"}\n')
        lines[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lines[0].recv(8) == b"HTTP/1.1"


def test_request_that_comes_byte_by_byte_is_not_waited_for_without_end(bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.server.HEADER_TIMEOUT_S", 0.3)
    with visit(bundle_dir) as run:
        host, _, port = run.host.partition(":")
        with (
            socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line,
            contextlib.suppress(ConnectionError),  # it was closed while a byte was under way
        ):
            line.sendall(b"GET / HTTP/1.1\r\nX: ")
            while not select.select([line], [], [], 0.02)[0]:
                line.sendall(b"x")
            assert line.recv(1) == b""


@pytest.mark.parametrize(
    "request_text",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /settings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # somebody tries https
    ],
)
def test_malformed_request_is_turned_away_and_the_run_goes_on(run, request_text, capfd):
    host, _, port = run.host.partition(":")
    answer = b""
    with (
        socket.create_connection((host, int(port)), timeout=10) as line,
        contextlib.suppress(OSError),  # it may be gone before all is said
    ):
        line.sendall(request_text)
        line.shutdown(socket.SHUT_WR)
        while part := line.recv(4096):
            answer += part
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    frames = run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > frames + 2)
    assert run.ask("/healthz")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_port_is_given_back_and_no_thread_is_left(bundle_dir):
    before = set(threading.enumerate())
    with visit(bundle_dir) as run, WebSocket(run.host) as watching:
        watching.image()
        with pytest.raises(SinkError, match="another program has this port"):
            LivePage(Address("127.0.0.1", int(run.host.partition(":")[2])), None, 10)
        port = int(run.host.partition(":")[2])
    wait_until(lambda: set(threading.enumerate()) <= before)
    with LivePage(Address("127.0.0.1", port), None, 10):
        pass


def test_page_that_never_started_closes(bundle_dir):
    page = LivePage(Address("127.0.0.1", 0), None, 10)
    page.close()
    page.close()
