"""The check of the port that the live page would have."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from device.doctor.case import Case
from device.doctor.finding import Finding


def check_port(case: Case) -> Iterator[Finding]:
    """Whether it is free, on every address."""
    port = case.port
    with socket.socket() as probe:
        # A connection of a server that has ended does not keep the port, as it does not for one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                found = f"{port} is taken: the live page needs another"
            else:
                found = f"{port} may not be used ({exc.strerror}): the live page needs another"
            yield Finding("port", "warning", found, f"sudo ss -ltnp 'sport = :{port}'")
            return
    yield Finding("port", "ok", f"{port} is free for the live page")
