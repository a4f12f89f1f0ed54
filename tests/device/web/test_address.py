from __future__ import annotations

import argparse
import contextlib
import socket

import pytest

from device.errors import SinkError
from device.web.address import Address, bind, is_loopback, parse_address, reachable


@contextlib.contextmanager
def bound(address):
    sockets = bind(address)
    try:
        yield sockets
    finally:
        for item in sockets:
            item.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", Address("127.0.0.1", 8080)),
        (":8080", Address("127.0.0.1", 8080)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("raspberrypi.local:8080", Address("raspberrypi.local", 8080)),
        ("[::1]:0", Address("::1", 0)),
        ("localhost:65535", Address("localhost", 65535)),
    ],
)
def test_address_is_parsed(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "localhost:", "localhost:http", "localhost:65536", ":-1", "a:\uff18080"],
)
def test_address_without_a_port_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="HOST:PORT is expected"):
        parse_address(text)


def test_ipv6_address_without_brackets_is_refused_and_shown_with_them():
    with pytest.raises(argparse.ArgumentTypeError, match=r"\[::1\]:8080"):
        parse_address("::1:8080")


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:8080"])
def test_address_is_written_as_it_is_read(text):
    assert str(parse_address(text)) == text


def test_port_in_use_is_an_error_that_says_so():
    with bound(Address("127.0.0.1", 0)) as sockets:
        port = sockets[0].getsockname()[1]
        with pytest.raises(SinkError, match=f"--serve 127.0.0.1:{port}: another program has"):
            bind(Address("127.0.0.1", port))


@pytest.fixture
def two_addresses(monkeypatch):
    """A name for two addresses, as localhost has where there is IPv6."""
    look_up = socket.getaddrinfo

    def both(_, port, **options):
        return [
            answer
            for host in ("127.0.0.2", "127.0.0.3")
            for answer in look_up(host, port, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)


def test_name_of_two_addresses_is_bound_to_one_port_on_both(two_addresses):
    with bound(Address("both", 0)) as sockets:
        hosts, ports = zip(*(item.getsockname() for item in sockets), strict=True)
    assert hosts == ("127.0.0.2", "127.0.0.3")
    assert len(set(ports)) == 1


@pytest.mark.parametrize(
    ("taken", "other"), [("127.0.0.2", "127.0.0.3"), ("127.0.0.3", "127.0.0.2")]
)
def test_port_in_use_on_one_address_is_given_back_on_the_other(two_addresses, taken, other):
    with socket.create_server((taken, 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(SinkError, match="another program has this port"):
            bind(Address("both", port))
        socket.create_server((other, port)).close()


def test_address_of_another_machine_is_an_error_that_says_so():
    with pytest.raises(SinkError, match="this machine has no such address"):
        bind(Address("192.0.2.200", 8080))


def test_unknown_host_is_an_error_that_says_so():
    with pytest.raises(SinkError, match=r"no machine is called 'nowhere\.invalid'"):
        bind(Address("nowhere.invalid", 8080))


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_only_loopback_counts_as_such(host, expected):
    with bound(Address(host, 0)) as sockets:
        assert is_loopback(sockets) is expected


def test_reachable_address_has_the_port_that_was_free():
    with bound(Address("localhost", 0)) as sockets:
        shown = reachable(Address("localhost", 0), sockets)
        assert shown == Address("localhost", sockets[0].getsockname()[1])
        socket.create_connection((shown.host, shown.port), timeout=5).close()


def test_reachable_address_names_a_host_for_all_addresses():
    with bound(Address("0.0.0.0", 0)) as sockets:
        shown = reachable(Address("0.0.0.0", 0), sockets)
        assert shown.host != "0.0.0.0"
        socket.create_connection((shown.host, shown.port), timeout=5).close()
