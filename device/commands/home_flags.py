"""The flags of ``detect`` that report a run to a home, and what they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import comma_list, port_number, positive_float
from device.errors import UsageError
from device.system.console import say

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.home.broker import BrokerOptions
    from device.home.discovery import DeviceDescription
    from device.home.notification import NotifyOptions
    from device.home.notifier import NotifySink
    from device.home.quiet_hours import QuietHours
    from device.home.sink import HomeSink
    from device.visits.plan import ScenePlan

# Announced where nobody says which: two entities and a picture for each of eighty classes would
# be a list that nobody reads.
MOST_CLASSES = 12
USUAL_CLASSES = ("person", "bicycle", "car", "cat", "dog")


def add_home_flags(home: argparse._ArgumentGroup) -> None:
    """Add the flags to a group of their own."""
    home.add_argument(
        "--mqtt-host",
        metavar="HOST",
        help="report to this MQTT broker, where Home Assistant finds the device by itself; in a "
        "settings file: host = ... under [mqtt], and so on for all of these",
    )
    home.add_argument(
        "--mqtt-port", type=port_number, metavar="N", help="default: 1883, with TLS 8883"
    )
    home.add_argument("--mqtt-user", metavar="USER", help="who logs in there")
    home.add_argument(
        "--mqtt-password-file",
        type=Path,
        metavar="FILE",
        help="a file that holds the password, and nothing else",
    )
    home.add_argument(
        "--mqtt-tls",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="encrypt, and make sure that it is the broker",
    )
    home.add_argument(
        "--mqtt-ca",
        type=Path,
        metavar="FILE",
        help="certificates that signed the broker's (default: those that the system trusts)",
    )
    home.add_argument(
        "--mqtt-name",
        metavar="NAME",
        help="what the device is called (default: --name, else the host's name)",
    )
    home.add_argument(
        "--mqtt-id",
        metavar="ID",
        help="what tells it from all others (default: made of the board's serial number)",
    )
    home.add_argument(
        "--mqtt-classes",
        type=comma_list,
        metavar="A,B",
        help="classes that get entities (default: those of --classes or --on; else all, or, of "
        f"more than {MOST_CLASSES}, {', '.join(USUAL_CLASSES)})",
    )
    home.add_argument(
        "--mqtt-pictures",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="send the picture on which one of a class came",
    )
    home.add_argument(
        "--mqtt-prefix",
        default="homeassistant",
        metavar="TOPIC",
        help="where Home Assistant looks for devices (default: homeassistant)",
    )


def add_notify_flags(messages: argparse._ArgumentGroup) -> None:
    """Add the flags of messages to a group of their own."""
    messages.add_argument(
        "--notify",
        action="append",
        metavar="URL",
        help="send a message with the picture when one of --notify-on comes, by a service of "
        "apprise: ntfy://ntfy.sh/TOPIC, mailto://USER:PASSWORD@gmail.com, tgram://..., and so on; "
        "may be given more than once; it holds passwords, so better in a settings file; with "
        "--serve the page has a button that sends a test",
    )
    messages.add_argument(
        "--notify-on",
        type=comma_list,
        metavar="A,B",
        help="classes, and names of rules, that are worth a message (default: those of --on)",
    )
    messages.add_argument(
        "--notify-cooldown",
        type=positive_float,
        default=300.0,
        metavar="SECONDS",
        help="at most one message of each in this time (default: 300)",
    )
    messages.add_argument(
        "--notify-quiet",
        type=_quiet_hours,
        metavar="FROM-TO",
        help="send none at this time of day, such as 22:00-07:00",
    )
    messages.add_argument(
        "--notify-link", metavar="URL", help="an address to put into each, such as the live page's"
    )


def _quiet_hours(text: str) -> QuietHours:
    from device.home.quiet_hours import parse_quiet_hours

    try:
        return parse_quiet_hours(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def notify_options(
    args: argparse.Namespace, labels: Sequence[str], plan: ScenePlan | None
) -> NotifyOptions | None:
    """The messages that the flags ask for; None where they ask for none. Raises ``UsageError``."""
    if not args.notify:
        if args.notify_on:
            raise UsageError("--notify-on without --notify: where are the messages to go?")
        return None
    from device.bundle.labels import class_ids
    from device.home.identity import host_name
    from device.home.notification import NotifyOptions, check_notify

    wanted = args.notify_on or args.on or ()
    rules = {rule.name for rule in plan.rules} if plan else set()
    class_ids([name for name in wanted if name not in rules], labels)  # are there such?
    options = NotifyOptions(
        urls=args.notify,
        name=args.mqtt_name or args.name or host_name(),
        on=wanted,
        cooldown_s=args.notify_cooldown,
        quiet=args.notify_quiet,
        link=args.notify_link,
    )
    check_notify(options)
    return options


def broker_options(args: argparse.Namespace, labels: Sequence[str]) -> BrokerOptions | None:
    """The broker that the flags name, with the classes to report; None where they name none.

    Raises ``UsageError``.
    """
    if args.mqtt_host is None:
        if args.mqtt_user or args.mqtt_tls or args.mqtt_classes:
            raise UsageError("--mqtt-... without --mqtt-host: which broker is meant?")
        return None
    from device.bundle.labels import class_ids
    from device.home.broker import BrokerOptions, check_broker
    from device.home.identity import checked_id, device_id, host_name

    class_ids(args.mqtt_classes or (), labels)  # are there such?
    options = BrokerOptions(
        host=args.mqtt_host,
        port=args.mqtt_port,
        user=args.mqtt_user,
        password_file=args.mqtt_password_file,
        tls=args.mqtt_tls,
        ca_file=args.mqtt_ca,
        name=args.mqtt_name or args.name or host_name(),
        device_id=checked_id(args.mqtt_id) if args.mqtt_id else device_id(),
        classes=args.mqtt_classes or _usual_classes(args, labels),
        pictures=args.mqtt_pictures,
        prefix=args.mqtt_prefix,
    )
    check_broker(options)
    return options


def open_home(args: argparse.Namespace, model: Model) -> HomeSink | None:
    """What reports the run, where a broker is named. Raises ``UsageError``."""
    options = broker_options(args, model.labels)
    if options is None:
        return None
    from device.home.sink import HomeSink

    return HomeSink(options, say)


def open_notifier(
    args: argparse.Namespace, model: Model, plan: ScenePlan | None
) -> NotifySink | None:
    """What sends messages, where some are asked for. Raises ``UsageError``."""
    options = notify_options(args, model.labels, plan)
    if options is None:
        return None
    from device.home.notifier import NotifySink

    return NotifySink(options, say)


def _usual_classes(args: argparse.Namespace, labels: Sequence[str]) -> Sequence[str]:
    from device.bundle.label_formats import UNUSED
    from device.bundle.labels import BACKGROUND

    if asked_for := args.classes or args.on:
        return tuple(asked_for)
    named = [label for label in labels if label not in (UNUSED, BACKGROUND)]
    if len(named) <= MOST_CLASSES:
        return named
    found = [label for label in USUAL_CLASSES if label in named] or named[:MOST_CLASSES]
    say(f"mqtt: {', '.join(found)} are reported; others with --mqtt-classes")
    return found


def describe_device(
    options: BrokerOptions,
    model: Model,
    plan: ScenePlan | None,
    variants: Sequence[str],
    *,
    has_visits: bool,
) -> DeviceDescription:
    """What the home is told of this device."""
    from device.home.discovery import DeviceDescription
    from device.system.board import read_board

    return DeviceDescription(
        device_id=options.device_id,
        name=options.name,
        board=read_board().title,
        model=model.manifest.model,
        classes=options.classes,
        zones=[zone.name for zone in plan.zones] if plan else (),
        queues=[zone.name for zone in plan.zones if zone.queue] if plan else (),
        lines=[line.name for line in plan.lines] if plan else (),
        rules=[rule.name for rule in plan.rules] if plan else (),
        variants=variants,
        pictures=options.pictures,
        has_events=has_visits,
    )
