"""Who may ask the live page, and how no is said."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.helpers.live_page import WebSocket


def test_every_answer_forbids_what_the_page_does_not_need(run):
    for path in ("/", "/page.js", "/healthz", "/settings", "/nothing"):
        headers = run.ask(path)[1].headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "liteberry"


def test_other_names_for_this_machine_are_refused_without_a_token(run):
    status, _, content = run.ask("/settings", Host="evil.example")
    assert status == 403
    assert "evil.example is not a name of this server" in json.loads(content)["error"]
    assert run.ask("/settings", Host="localhost:1")[0] == 200


def test_requests_of_other_sites_are_refused(run):
    status, content = run.change({"threshold": 0.4}, Origin="http://evil.example")
    assert (status, content["error"]) == (403, "requests from pages of other sites are refused")
    assert run.change({"threshold": 0.4}, Origin=f"http://{run.host}")[0] == 200
    with contextlib.closing(WebSocket(run.host, origin="http://evil.example")) as refused:
        assert refused.status == 403


@pytest.mark.parametrize(
    "path", ["/", "/settings", "/metrics", "/events", "/snapshot.jpg", "/live", "/nothing"]
)
def test_token_is_needed_for_all_that_tells_of_the_run(locked, path):
    assert locked.ask(path)[0] == 401
    assert locked.ask(f"{path}?token=wrong")[0] == 401
    assert locked.ask(path, Authorization="Bearer wrong")[0] == 401


def test_link_opens_and_leaves_a_cookie_that_opens(locked):
    assert locked.link == f"http://{locked.host}/?token=open-sesame"
    status, answer, _ = locked.ask("/?token=open-sesame")
    assert status == 200
    cookie = answer.headers["Set-Cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert "open-sesame" not in cookie
    assert locked.ask("/settings", Cookie=cookie.partition(";")[0])[0] == 200
    assert locked.ask("/settings", Authorization="Bearer open-sesame")[0] == 200


def test_health_is_told_without_a_token(locked):
    locked.until(lambda: locked.ask("/healthz")[0] == 200)
