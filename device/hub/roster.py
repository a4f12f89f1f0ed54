"""The roster: the files that say which Pis there are, read anew when they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import UsageError
from device.hub.hosts import Host, read_hosts
from device.hub.tokens import Tokens, read_tokens
from device.system.console import count_of

_Stamp = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Member:
    """A Pi, and the token that it is asked with."""

    host: Host
    token: str | None = field(repr=False)


class Roster:
    """The members that a hosts file and a tokens file name; ``say`` is told of changes."""

    def __init__(
        self, hosts: Path, tokens: Path | None, port: int, say: Callable[[str], None]
    ) -> None:
        """Read the files. Raises ``UsageError`` as :func:`read_hosts` and :func:`read_tokens`."""
        self._hosts, self._tokens, self._port = hosts, tokens, port
        self._say = say
        self._read = self._seen = self._stamps()
        self.members = self._read_members()

    def look(self) -> bool:
        """Whether there are other members than before; files that cannot be read change nothing.

        Files are taken as they are at the second look at which they are the same: at the first, an
        editor may be in the middle of writing them.
        """
        before, self._seen = self._seen, self._stamps()
        if self._seen == self._read or self._seen != before:
            return False
        self._read = self._seen
        try:
            members = self._read_members()
        except UsageError as exc:
            self._say(f"{exc}; the Pis stay those of before")
            return False
        if members == self.members:
            return False
        self.members = members
        self._say(f"--hosts {self._hosts} has changed: {count_of(len(members), 'Pi')}")
        return True

    def _read_members(self) -> Sequence[Member]:
        hosts = read_hosts(self._hosts, self._port)
        tokens = Tokens() if self._tokens is None else read_tokens(self._tokens)
        return [Member(host, tokens.of(host)) for host in hosts]

    def _stamps(self) -> Sequence[_Stamp]:
        return [_stamp(path) for path in (self._hosts, self._tokens) if path is not None]


def _stamp(path: Path) -> _Stamp:
    """What is another when a file is written or replaced, or may be read by others."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode
