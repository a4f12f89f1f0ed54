"""The endpoint of a page: the sockets it listens on, and what a viewer must show there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from device.web.address import Address, bind, is_loopback, reachable
from device.web.auth import Access, kept_token, token_given


class Endpoint:
    """Bound sockets and the access rule of what answers on them."""

    def __init__(self, address: Address, token: str | None, token_file: Path) -> None:
        """Bind to ``address``.

        ``token`` has to be shown by who wants in; without one the environment's, and on an
        address that others can reach the one in ``token_file``, made on the first run.

        Raises ``SinkError`` where the address cannot be had, ``UsageError`` for a bad token.
        """
        given = token_given(token, os.environ)
        self.sockets = bind(address)
        self.is_local = is_loopback(self.sockets)  # seen from this machine alone
        self._whereabouts = "what was given"
        if given is None and not self.is_local:
            given = kept_token(token_file)
            self._whereabouts = f"in {token_file}"
        self.access = Access(given, hosts=[address.host])
        self.address = reachable(address, self.sockets)

    @property
    def link(self) -> str:
        """The link to open in a browser, token and all: for a terminal, never for a log."""
        token = self.access.token
        return f"http://{self.address}/" + (f"?token={quote(token)}" if token else "")

    @property
    def invitation(self) -> str:
        """Where the page is, and where its token may be found: for logs."""
        where = f"http://{self.address}/"
        if self.access.token is None:
            return where
        return f"{where}; the token, kept out of logs, is {self._whereabouts}"

    def close(self) -> None:
        """Give the port back."""
        for item in self.sockets:
            item.close()
