"""Camera addresses: taken apart, and redacted for messages and logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from device.errors import UsageError

SCHEMES = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}  # and their usual ports


def redact(url: str) -> str:
    """The redacted ``url``: without user, password and the values that it carries."""
    scheme, _, rest = url.partition("://")
    address = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = rest[len(address) :]
    if "@" in path:  # a password with a slash in it, or more to hide
        return f"{scheme}://***"
    user, _, host = address.rpartition("@")
    path = re.sub(r"[?=#].*", "...", path, flags=re.DOTALL)
    return f"{scheme}://{'***@' if user else ''}{host}{path}"


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """A camera's address, taken apart; only ``shown`` is for messages and logs."""

    full: str
    shown: str
    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> CameraUrl:
        """Raises ``UsageError`` for a scheme that no camera here speaks, or no address at all."""
        # A message is one line.
        shown = re.sub(r"[\x00-\x1f\x7f]", lambda match: ascii(match[0])[1:-1], redact(url))
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = shown.partition("://")[0], None, None
        if scheme not in SCHEMES:
            raise UsageError(
                f"--source {shown}: {scheme}:// is not known; network cameras are reached by "
                f"{', '.join(f'{name}://' for name in SCHEMES)}, files by their path"
            )
        if not host:
            raise UsageError(
                f"--source {shown}: not an address; expected is {scheme}://host/path, or "
                f"{scheme}://user:password@host:port/path with / and @ in the password as %2F "
                "and %40"
            )
        user = None if parts.username is None else unquote(parts.username)
        password = None if parts.password is None else unquote(parts.password)
        return cls(url, shown, scheme, host, port or SCHEMES[scheme], user, password)

    @property
    def without_user(self) -> str:
        """The address as it is asked for over HTTP, where user and password go separately."""
        parts = urlsplit(self.full)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
