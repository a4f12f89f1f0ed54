"""The hosts file of ``deploy.sh``, as the hub reads it: which Pis there are, and where their pages.

A line is a host as ``ssh`` takes it, with ``#`` before what is not to be read. What follows after
a space is for the hub: ``page=HOST:PORT``, where the page is not at the usual port of that name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from device.errors import UsageError
from device.files import read_regular

MOST_BYTES = 1_000_000
MOST_HOSTS = 400
PAGE_PORT = 8080  # as docs/fleet.md has it
HIGHEST_PORT = 65_535

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})"
_IPV6 = r"\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?\]"
_SSH = re.compile(
    rf"(?:ssh://)?(?:[A-Za-z0-9._+%-]{{1,64}}@)?(?P<host>{_NAME}|{_IPV6})(?::[0-9]{{1,5}})?/?"
)
_PAGE = re.compile(rf"page=(?P<host>{_NAME}|{_IPV6}):(?P<port>[0-9]{{1,5}})")


@dataclass(frozen=True, slots=True)
class Host:
    """A Pi of the fleet."""

    name: str  # as the file has it, without user and port
    page: str  # HOST:PORT of its live page

    @property
    def link(self) -> str:
        """The address of its live page, without a token."""
        return f"http://{self.page}/"


def read_hosts(path: Path, port: int = PAGE_PORT) -> list[Host]:
    """The hosts of a file, each once; ``port`` is where their pages are.

    Raises ``UsageError`` for a file that cannot be read, and for a line that is no host.
    """
    try:
        text = read_regular(path, MOST_BYTES).decode("utf-8", "replace")
    except OSError as exc:
        raise UsageError(f"--hosts {path} cannot be read: {exc.strerror}") from exc
    hosts: dict[Host, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            hosts[_host_of(words, port, f"--hosts {path}, line {number}")] = None
    if not hosts:
        raise UsageError(f"--hosts {path} names no host: write one a line, such as pi@garden.local")
    if len(hosts) > MOST_HOSTS:
        raise UsageError(
            f"--hosts {path} names {len(hosts)} hosts, and a hub shows {MOST_HOSTS} at most: "
            "part the file, or let Prometheus watch so many (docs/fleet.md)"
        )
    return list(hosts)


def _host_of(words: list[str], port: int, where: str) -> Host:
    found = _SSH.fullmatch(words[0])
    if found is None:
        raise UsageError(f"{where}: {words[0][:80]!a} is no host, such as pi@garden.local")
    name = found["host"]
    page = f"{name}:{port}"
    for word in words[1:]:
        if word.startswith("page="):
            given = _PAGE.fullmatch(word)
            if given is None or not 0 < int(given["port"]) <= HIGHEST_PORT:
                raise UsageError(f"{where}: {word[:80]!a} is no page=HOST:PORT")
            page = f"{given['host']}:{given['port']}"
    return Host(name, page)
