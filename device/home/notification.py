"""Notifications: what a message to a phone says, and who is to get one when."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from device.errors import UsageError
from device.home.quiet_hours import QuietHours
from device.schema import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyOptions:
    """Notification options, as the flags that begin with ``--notify`` give them."""

    urls: Sequence[str]  # of apprise's services; they hold passwords, and are never told
    name: str  # of the device
    on: Sequence[str]  # classes and rules
    cooldown_s: float = 300.0  # between two messages of one class or rule
    quiet: QuietHours | None = None
    link: str | None = None


class Message(Record, frozen=True):
    """A message for the process that sends it; without a title it is only checked."""

    urls: tuple[str, ...]
    title: str = ""
    body: str = ""
    picture: str | None = None  # path of a JPEG


class Delivery(Record, frozen=True, tag="delivery"):
    """How it went: why the message did not get to a service, by the service's number, from 1."""

    failures: dict[int, str]


def check_notify(options: NotifyOptions) -> None:
    """Raise ``UsageError`` for options that cannot be meant, or where apprise is missing."""
    if not options.on:
        raise UsageError(
            "--notify needs --notify-on or --on: the classes that are worth a message, such as "
            "--notify-on person"
        )
    for number, url in enumerate(options.urls, 1):
        if "://" not in url:
            raise UsageError(
                f"--notify, number {number}: an address such as ntfy://ntfy.sh/my-topic is "
                "expected; see github.com/caronc/apprise for what there is"
            )
    if importlib.util.find_spec("apprise") is None:
        raise UsageError(
            "--notify needs apprise, which is not installed; run: "
            f"{sys.executable} -m pip install apprise (on a Pi: deploy again, which does it)"
        )
