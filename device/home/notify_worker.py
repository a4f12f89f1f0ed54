"""The process that sends a notification: apprise and all its services, only while they are used."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from device.home.notification import Delivery, Message
from device.schema import Record
from device.system.isolated_process import serve

NICENESS = 10  # a frame goes before a message
LONGEST_REASON = 200


def send(message: Message, reply: Callable[[Record], None]) -> None:
    """Send ``message`` to each of its services, and reply with a :class:`Delivery`."""
    os.nice(NICENESS)
    failures = {}
    for number, url in enumerate(message.urls, 1):
        reason = _send_to(url, message)
        if reason is not None:
            failures[number] = reason
    reply(Delivery(failures=failures))


def _send_to(url: str, message: Message) -> str | None:
    """Why it did not arrive; None where it did."""
    import apprise

    service = apprise.Apprise()
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
        if not service.add(url):
            return "no service that apprise knows, or not written as it has to be"
        if not message.title:
            return None
        picture = [message.picture] if message.picture else None
        if service.notify(body=message.body, title=message.title, attach=picture):
            return None
        lines = said.getvalue().strip().splitlines()
    name = str(service[0].service_name or service[0].schemas()[0])
    return f"{name}: {lines[0] if lines else 'it did not take the message'}"[:LONGEST_REASON]


if __name__ == "__main__":
    serve(Message, send)
