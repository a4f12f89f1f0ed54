from __future__ import annotations

import contextlib

import pytest

from device.errors import UsageError
from device.web.address import Address
from device.web.endpoint import Endpoint

EVERYWHERE, LOOPBACK = Address("0.0.0.0", 0), Address("127.0.0.1", 0)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "token"


@contextlib.contextmanager
def endpoint(address, file, token=None):
    with contextlib.closing(Endpoint(address, token, file)) as bound:
        yield bound


def test_token_is_made_where_others_can_come_and_stays(file):
    with endpoint(EVERYWHERE, file) as first:
        link = first.link
    kept = file.read_text().strip()
    assert link.endswith(f"/?token={kept}")
    with endpoint(EVERYWHERE, file) as again:
        assert again.link.endswith(f"/?token={kept}")
        assert kept not in again.invitation
        assert again.invitation.endswith(f"/; the token, kept out of logs, is in {file}")


def test_no_token_is_asked_for_on_loopback(file):
    with endpoint(LOOPBACK, file) as local:
        port = local.sockets[0].getsockname()[1]
        assert (local.link, local.invitation) == (f"http://127.0.0.1:{port}/",) * 2
        assert local.is_local
        assert local.access.admits(None, None, None)
    assert not file.exists()


def test_token_that_was_typed_is_asked_for_and_kept_out_of_the_invitation(file):
    with endpoint(LOOPBACK, file, "hub-secret") as local:
        assert local.link.endswith("/?token=hub-secret")
        assert local.invitation.endswith("/; the token, kept out of logs, is what was given")
        assert not local.access.admits(None, None, None)


def test_token_of_the_environment_is_asked_for_on_loopback_too(monkeypatch, file):
    monkeypatch.setenv("LITEBERRY_TOKEN", "a&b")
    with endpoint(LOOPBACK, file) as local:
        assert local.link.endswith("/?token=a%26b")


def test_token_that_cannot_be_sent_is_refused_before_the_port_is_taken(monkeypatch, file):
    monkeypatch.setattr("device.web.endpoint.bind", lambda _: pytest.fail("bound"))
    with pytest.raises(UsageError, match="a token is"):
        Endpoint(LOOPBACK, "two words", file)


def test_port_is_given_back_when_closed(file):
    with endpoint(LOOPBACK, file) as first:
        taken = first.address
    with endpoint(Address(taken.host, taken.port), file) as second:
        assert second.address == taken
