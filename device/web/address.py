"""Server addresses: ``HOST:PORT`` as people type it, and the sockets bound to it."""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from device.errors import SinkError

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65_535
BACKLOG = 64  # connections that may wait to be accepted

ADVICE = {
    errno.EADDRINUSE: "another program has this port; end that one, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 stands for all it has",
    errno.EACCES: "ports below 1024 are kept for root; choose one above",
}


@dataclass(frozen=True)
class Address:
    """A host, by name or number, and a port; 0 asks for any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """A flag's value: ``HOST:PORT``, or a port alone, which means this machine only.

    An IPv6 host is written in brackets. Raises ``ArgumentTypeError``.
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise argparse.ArgumentTypeError(f"{text}: write an IPv6 address as [{host}]:{port}")
    if not (port.isascii() and port.isdigit() and int(port) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text}: HOST:PORT is expected, with a port of 0 to {HIGHEST_PORT}, or a port alone"
        )
    return Address(host or LOOPBACK, int(port))


def bind(address: Address) -> list[socket.socket]:
    """Listening sockets, one for each address that the host's name stands for.

    Raises ``SinkError`` where the port is taken or the address is not of this machine.
    """
    try:
        return _bind_all(address)
    except socket.gaierror as exc:
        raise SinkError(f"--serve {address}: no machine is called {address.host!r}") from exc
    except OSError as exc:
        advice = ADVICE.get(exc.errno or 0, exc.strerror)
        raise SinkError(f"--serve {address}: {advice}") from exc


def _bind_all(address: Address) -> list[socket.socket]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    with contextlib.ExitStack() as stack:
        for family, _, _, _, (host, port, *scope) in dict.fromkeys(found):
            if port == 0 and sockets:  # the same free one for all
                port = sockets[0].getsockname()[1]
            try:
                item = socket.create_server((host, port, *scope), family=family, backlog=BACKLOG)
            except OSError as exc:
                # localhost is ::1 too where this machine has no IPv6.
                if exc.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = exc
            else:
                item.setblocking(False)
                stack.callback(item.close)
                sockets.append(item)
        stack.pop_all()
    if missing is not None and not sockets:
        raise missing
    return sockets


def is_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Whether only this machine itself can reach them."""
    hosts = (item.getsockname()[0] for item in sockets)
    return all(ipaddress.ip_address(host).is_loopback for host in hosts)


def reachable(address: Address, sockets: Sequence[socket.socket]) -> Address:
    """The address to type into a browser: with the port in use, and a host for ``0.0.0.0``."""
    port: int = sockets[0].getsockname()[1]
    bound = ipaddress.ip_address(sockets[0].getsockname()[0])
    return Address(_own_host(bound.version) if bound.is_unspecified else address.host, port)


def _own_host(version: int) -> str:
    """This machine's address in its network, by which it would answer to others."""
    # Addresses kept for documentation (RFC 5737, RFC 3849): asking for the way sends nothing.
    family, far = (
        (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
            host: str = probe.getsockname()[0]
        except OSError:  # not in any network
            return socket.gethostname()
    return host
