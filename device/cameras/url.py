"""Camera addresses: taken apart, and redacted for messages and logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from device.errors import UsageError

SCHEMES = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}  # and their usual ports

SECURED = (("http", "https"), ("rtsp", "rtsps"))  # the same server, with TLS added


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


def _with_password(scheme: str) -> str:
    return (
        f"{scheme}://user:password@host:port/path with / ? # @ in the password as %2F %3F %23 %40"
    )


def _ends_in_a_password(netloc: str) -> bool:
    """Whether what looks like ``host:port`` may be a user, and a password up to its / ? or #.

    Of ``rtsp://bob:12?3@cam/live`` the host would be bob. No user is called like an IP address.
    """
    host, colon, _ = netloc.rpartition(":")
    return bool(colon) and "@" not in netloc and not re.fullmatch(r"\[.*\]|[\d.]+", host)


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
                f"{_with_password(scheme)}"
            )
        if _ends_in_a_password(parts.netloc) and "@" in url:
            raise UsageError(
                f"--source {shown}: an @ that follows / ? or #; expected is "
                f"{_with_password(scheme)}, and an @ of the path as %40 too"
            )
        user = None if parts.username is None else unquote(parts.username)
        password = None if parts.password is None else unquote(parts.password)
        return cls(url, shown, scheme, host, port or SCHEMES[scheme], user, password)

    @property
    def without_user(self) -> str:
        """The address as it is asked for over HTTP, where user and password go separately."""
        parts = urlsplit(self.full)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def full_at(self, host: str, port: int) -> str:
        """The address with user and password, in clear, as another host and port have it."""
        parts = urlsplit(self.full)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(scheme="rtsp", netloc=f"{user}@{host}:{port}").geturl()

    def at_path_of(self, address: str) -> CameraUrl:
        """``address``, which is of the same server, with user and password of this one."""
        user = urlsplit(self.full).netloc.rpartition("@")[0]
        parts = urlsplit(address)
        netloc = f"{user}@{parts.netloc.rpartition('@')[2]}"
        return CameraUrl.parse(parts._replace(netloc=netloc).geturl())


def is_same_server(url: CameraUrl, address: str) -> bool:
    """Whether ``address`` is of the server of ``url``; with TLS added it is the same."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or SCHEMES.get(parts.scheme)
    except ValueError:
        return False
    same = parts.scheme == url.scheme and port == url.port
    return host == url.host and (same or (url.scheme, parts.scheme) in SECURED)
