"""Bodies of JSON."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("size", [20_000, 5_000_000])
def test_oversized_body_is_refused(run, size):
    status, content = run.change(b" " * size)
    assert (status, content["error"]) == (413, "send no more than 16384 bytes")


def test_body_announced_as_huge_is_refused_before_it_is_sent(run):
    host, _, port = run.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(
            b"POST /settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
        )
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"send no more than 16384 bytes" in answer


@pytest.mark.parametrize(
    "body", [b'{"a": ' + b"[" * 8000, b'{"\xff": 1}'], ids=["deep", "no UTF-8"]
)
def test_body_that_json_forbids_is_refused_without_a_traceback(run, capfd, body):
    status, content = run.change(body)
    assert status == 400
    assert "expected is a JSON object" in content["error"]
    assert capfd.readouterr().err == ""


def test_body_that_is_not_called_json_is_refused(run):
    status, content = run.change({"threshold": 0.4}, Content_Type="text/plain")
    assert (status, content["error"]) == (415, "send Content-Type: application/json")
