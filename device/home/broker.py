"""Broker options: which MQTT broker a run reports to, and as whom."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device.errors import UsageError
from device.files import read_regular

PORT, TLS_PORT = 1883, 8883  # Source: registered at IANA
MOST_OF_A_PASSWORD = 4096
PLAIN_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Broker options, as the flags that begin with ``--mqtt-`` give them."""

    host: str
    device_id: str
    name: str  # as people see it
    port: int | None = None  # None: that of MQTT, or of MQTT over TLS
    user: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None  # None: the certificate authorities that this system trusts
    prefix: str = "homeassistant"
    classes: Sequence[str] = ()
    pictures: bool = True

    @property
    def port_used(self) -> int:
        """The port to connect to."""
        return self.port or (TLS_PORT if self.tls else PORT)

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port_used}"


def check_broker(options: BrokerOptions) -> None:
    """Raise ``UsageError`` for options that cannot be meant, or where paho-mqtt is missing."""
    if not PLAIN_HOST.fullmatch(options.host):
        raise UsageError(
            f"--mqtt-host {options.host!r}: a name or an address is expected, such as "
            "homeassistant.local; the port goes to --mqtt-port"
        )
    if not re.fullmatch(r"[^+#\0/$][^+#\0]{0,99}", options.prefix):
        raise UsageError(f"--mqtt-prefix {options.prefix!r}: a topic without + and # is expected")
    if options.ca_file is not None and not options.tls:
        raise UsageError("--mqtt-ca is for a broker with TLS: add --mqtt-tls")
    if options.ca_file is not None and not options.ca_file.is_file():
        raise UsageError(f"--mqtt-ca {options.ca_file}: no such file of certificates (PEM)")
    if options.password_file is not None and options.user is None:
        raise UsageError("--mqtt-password-file needs --mqtt-user: whose password it is")
    if importlib.util.find_spec("paho") is None:
        raise UsageError(
            "--mqtt-host needs paho-mqtt, which is not installed; run: "
            f"{sys.executable} -m pip install paho-mqtt (on a Pi: deploy again, which does it)"
        )


def read_password(path: Path) -> str:
    """The password in a file, whose last line may end. Raises ``UsageError``."""
    try:
        text = read_regular(path, MOST_OF_A_PASSWORD).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise UsageError(f"--mqtt-password-file {path}: not UTF-8: {exc.reason}") from exc
    except OSError as exc:
        raise UsageError(
            f"--mqtt-password-file {path}: {exc.strerror}; it must hold the password, and be "
            "readable by who runs this"
        ) from exc
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or "\n" in password:
        raise UsageError(f"--mqtt-password-file {path}: one line is expected, the password")
    return password
