"""Viewers that ask for the page and read nothing: as many as ``LITEBERRY_RUNS``."""

from __future__ import annotations

import contextlib
import http.client
import socket

import pytest

from tests.helpers.children import wait_until
from tests.helpers.colour_bundle import write_colour_bundle
from tests.helpers.long_runs import RUNS, everything, watched

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

ASKED = (
    b"GET /events HTTP/1.1\r\nHost: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHos",
    b"GET /live HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
)
FRAMES = 5000  # that are to go by meanwhile
GROWTH_KB = 30_000


def test_viewers_who_read_nothing_hold_up_neither_the_run_nor_its_health(tmp_path):
    bundle = write_colour_bundle(tmp_path / "bundle")
    command = everything(bundle, tmp_path, "red,green,blue")
    with watched(command, tmp_path) as run, contextlib.ExitStack() as stack:
        wait_until(lambda: run.frames() > 500)
        before_kb = run.kilobytes("RssAnon")
        name, _, port = run.host.partition(":")
        for number in range(RUNS):
            viewer = stack.enter_context(socket.create_connection((name, int(port))))
            with contextlib.suppress(OSError):  # sent away
                viewer.sendall(ASKED[number % 3].replace(b"%s", run.host.encode()))
        # No metrics: who is one too many is refused. Health has a reserve of its own.
        seen = (tmp_path / "seen.jsonl").stat().st_size

        def is_well() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):  # the reserve is full
                return b'"ok"' in run.get("/healthz")
            return False

        wait_until(is_well)
        written = 0

        def lines_since() -> int:
            nonlocal written, seen
            now = (tmp_path / "seen.jsonl").stat().st_size
            written, seen = written + (now - seen if now >= seen else now), now
            return written

        wait_until(lambda: lines_since() > 200 * FRAMES)
        wait_until(is_well)
        grown_kb = run.kilobytes("RssAnon") - before_kb
        print("viewers", RUNS, "kB grown", grown_kb)  # noqa: T201
        assert grown_kb <= GROWTH_KB
        run.child.terminate()
        assert run.child.wait() == 0, run.said()
