"""The tokens of the Pis' pages, which the hub keeps to itself."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from device.errors import UsageError
from device.files import open_regular
from device.hub.hosts import Host

MOST_BYTES = 1_000_000
FOR_ALL = "*"

_LINE = re.compile(r"(?P<host>\S{1,300})[ \t]+(?P<token>[!-~]{1,256})", re.ASCII)


class Tokens:
    """The token of each host: its own, else the one for all."""

    def __init__(self, by_host: Mapping[str, str] | None = None) -> None:
        self._by_host = dict(by_host or {})

    def of(self, host: Host) -> str | None:
        """The token to ask ``host`` with; None where there is none."""
        own = self._by_host.get(host.page) or self._by_host.get(host.name)
        return own or self._by_host.get(FOR_ALL)


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file: lines of a host and its token, ``*`` for all that have no line.

    Raises ``UsageError`` for a file that others may read, and for a line that is none, by its
    number: what it says is a secret.
    """
    try:
        with open_regular(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"--tokens {path} cannot be read: {exc.strerror}") from exc
    if mode & 0o077:
        raise UsageError(f"--tokens {path} can be read by others; run: chmod 600 {path}")
    if len(data) > MOST_BYTES:
        raise UsageError(f"--tokens {path} has more than {MOST_BYTES / 1e6:g} MB")
    tokens = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise UsageError(
                f"--tokens {path}, line {number}: expected is a host as in --hosts, or *, and its "
                "token, with a space between"
            )
        tokens[found["host"].rpartition("@")[2]] = found["token"]
    return Tokens(tokens)
