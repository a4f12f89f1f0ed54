"""Authentication of viewers: a token, and a watch over pages of other sites.

On this machine alone no token is asked for. But a page from anywhere, open in a browser here,
can send requests here too: under another name for this address (DNS rebinding), which the Host
header gives away, or blindly (cross-site request forgery), which the Origin header does.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from device.errors import UsageError

COOKIE = "liteberry"
VARIABLE = "LITEBERRY_TOKEN"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")

_TOKEN = re.compile(r"[!-~]{1,256}")  # what a header can carry


class Access:
    """The access rule: what a request must show.

    That is ``token``, or with None a Host header naming one of ``hosts``.
    """

    def __init__(self, token: str | None, hosts: Collection[str] = ()) -> None:
        self.token = token
        self._hosts = {*LOCAL_HOSTS, *(host.lower() for host in hosts)}
        # Not the token itself: a cookie jar is read more easily than the link is kept.
        self.cookie = hashlib.sha256(f"{COOKIE} {token}".encode()).hexdigest()

    def host_is_known(self, host: str) -> bool:
        """Whether a Host header is one this server answers to."""
        if self.token is not None:  # which a page of another name does not have
            return True
        try:
            return urlsplit(f"//{host}").hostname in self._hosts
        except ValueError:
            return False

    def token_is_right(self, given: str) -> bool:
        """Whether ``given`` is the token; takes as long for any."""
        return self.token is not None and _equal(given, self.token)

    def admits(self, given: str | None, cookie: str | None, authorization: str | None) -> bool:
        """Whether the token in the query, the cookie or the Authorization header will do."""
        if self.token is None:
            return True
        scheme, _, bearer = (authorization or "").partition(" ")
        return (
            self.token_is_right(given or "")
            or _equal(cookie or "", self.cookie)
            or (scheme.lower() == "bearer" and self.token_is_right(bearer.strip()))
        )


def origin_is_own(origin: str | None, host: str) -> bool:
    """Whether a request comes from this server's own page, or from no page at all."""
    return origin is None or origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def token_given(typed: str | None, environment: Mapping[str, str]) -> str | None:
    """The token that was typed, else the environment's; raises ``UsageError`` for a bad one."""
    token = typed if typed is not None else environment.get(VARIABLE) or None
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("a token is 1 to 256 letters, digits and signs of ASCII, without spaces")
    return token


def kept_token(file: Path) -> str:
    """The token in ``file``, made on the first run: a link stays valid after a restart.

    Where it cannot be kept it holds for this run alone.
    """
    try:
        kept = file.read_text("ascii").strip()
        if _TOKEN.fullmatch(kept):
            return kept
    except (OSError, UnicodeDecodeError):
        pass
    token = secrets.token_urlsafe(16)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(token + "\n")
    except OSError:  # a read-only system
        pass
    return token
