from __future__ import annotations

from types import SimpleNamespace

import pytest

from device.web.connections import MAX_CONNECTIONS, MAX_PER_ADDRESS, BoundedServer, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_household_is_counted_as_one(address, network):
    assert network_of(address) == network


class Stream:
    closed = False

    def close(self) -> None:
        self.closed = True


class Connection:
    def __init__(self, address: str) -> None:
        self.context = SimpleNamespace(remote_ip=address)


def server_with(*addresses: str) -> BoundedServer:
    server = BoundedServer(lambda _: None)
    server._connections = {Connection(address) for address in addresses}
    return server


def test_one_address_cannot_keep_the_others_out(monkeypatch):
    served = []
    monkeypatch.setattr(
        "tornado.httpserver.HTTPServer.handle_stream", lambda *args: served.append(args[2][0])
    )
    server = server_with(*["192.0.2.7"] * MAX_PER_ADDRESS)
    refused, other, own = Stream(), Stream(), Stream()
    server.handle_stream(refused, ("192.0.2.7", 1))
    server.handle_stream(other, ("192.0.2.8", 1))
    server.handle_stream(own, ("127.0.0.1", 1))
    assert refused.closed
    assert served == ["192.0.2.8", "127.0.0.1"]


def test_visitors_of_a_proxy_on_this_machine_are_not_counted_as_one(monkeypatch):
    served = []
    monkeypatch.setattr(
        "tornado.httpserver.HTTPServer.handle_stream", lambda *args: served.append(args[2][0])
    )
    server_with(*["::1"] * (MAX_CONNECTIONS - 1)).handle_stream(Stream(), ("::1", 1, 0, 0))
    assert served == ["::1"]


def test_others_get_nothing_of_the_reserve():
    stream = Stream()
    server_with(*["127.0.0.1"] * MAX_CONNECTIONS).handle_stream(stream, ("192.0.2.7", 1))
    assert stream.closed
