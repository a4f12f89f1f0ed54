"""Home Assistant's MQTT discovery: one document that describes a device with all its entities.

Source: home-assistant.io/integrations/mqtt, "Device discovery payload" (2024.11 and newer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from device import __version__
from device.home.topics import ROOT, Topics, slug
from device.json_text import decode_json

ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"
EVENT_TYPES = (
    "visit-began", "visit-ended", "zone-entered", "zone-left", "line-in", "line-out", "rule-began",
    "rule-ended",
)  # fmt: skip

MOST_BYTES = 1_000_000  # of a document: a thousand entities

Component = dict[str, object]


class _EarlierComponent(msgspec.Struct):
    platform: str


class _Earlier(msgspec.Struct):
    components: dict[str, _EarlierComponent]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescription:
    """What a home is told of a device: names alone, which stay the same while it runs."""

    device_id: str
    name: str
    board: str
    model: str
    classes: Sequence[str] = ()
    zones: Sequence[str] = ()
    queues: Sequence[str] = ()  # those of the zones in which one waits
    lines: Sequence[str] = ()
    rules: Sequence[str] = ()
    variants: Sequence[str] = ()
    pictures: bool = True
    has_events: bool = False
    page_url: str | None = None


def discovery_document(about: DeviceDescription, topics: Topics) -> dict[str, object]:
    """The document to be published, retained, at :attr:`Topics.discovery`."""
    device: Component = {
        "identifiers": [f"{ROOT}_{about.device_id}"],
        "name": about.name,
        "manufacturer": "liteberry",
        "model": f"{about.model} on {about.board}",
        "sw_version": __version__,
    }
    if about.page_url is not None:
        device["configuration_url"] = about.page_url
    components = {
        **_of_scene(about, topics),
        **_of_machine(topics),
        **_controls(about, topics),
    }
    for key, component in components.items():
        component["unique_id"] = f"{ROOT}_{about.device_id}_{key}"
        component.setdefault("availability", _available(topics))
    return {
        "device": device,
        "origin": {"name": "liteberry", "sw_version": __version__},
        "components": components,
    }


def without(document: dict[str, object], earlier: bytes) -> dict[str, object] | None:
    """``document`` with an order to remove the entities that only an ``earlier`` one has.

    None where there are none. What a broker kept is read by its shape, and believed no more.
    """
    try:
        before = decode_json(earlier, _Earlier) if len(earlier) < MOST_BYTES else None
    except msgspec.DecodeError:
        before = None
    now = document["components"]
    assert isinstance(now, dict)
    gone = {
        key: {"platform": component.platform}
        for key, component in (before.components if before else {}).items()
        if key not in now
    }
    return {**document, "components": {**now, **gone}} if gone else None


def _available(topics: Topics, *, with_camera: bool = False) -> list[dict[str, str]]:
    """When an entity is known: while the run is connected and, of what it sees, has a camera."""
    found = [{"topic": topics.availability}]
    if with_camera:
        found.append(
            {
                "topic": topics.state("camera"),
                "payload_available": ON,
                "payload_not_available": OFF,
            }
        )
    return found


def _of_scene(about: DeviceDescription, topics: Topics) -> dict[str, Component]:
    found: dict[str, Component] = {}
    for label in about.classes:
        key = f"class_{slug(label)}"
        found[f"{key}_occupancy"] = {
            "platform": "binary_sensor",
            "name": label,
            "device_class": "occupancy",
            "state_topic": topics.of_class(label, "occupancy"),
        }
        found[f"{key}_count"] = _count(f"{label} count", topics.of_class(label, "count"))
        if about.pictures:
            found[f"{key}_picture"] = {
                "platform": "image",
                "name": f"last {label}",
                "content_type": "image/jpeg",
                "image_topic": topics.of_class(label, "picture"),
                # The last one is worth looking at whether or not the camera is there.
                "availability": _available(topics),
            }
    for zone in about.zones:
        key = f"zone_{slug(zone)}"
        found[f"{key}_occupancy"] = {
            "platform": "binary_sensor",
            "name": zone,
            "device_class": "occupancy",
            "state_topic": topics.state(f"zone/{slug(zone)}/occupancy"),
        }
        found[f"{key}_count"] = _count(f"{zone} count", topics.state(f"zone/{slug(zone)}/count"))
    for zone in about.queues:
        found[f"zone_{slug(zone)}_wait"] = {
            "platform": "sensor",
            "name": f"{zone} wait",
            "device_class": "duration",
            "unit_of_measurement": "s",
            "state_class": "measurement",
            "state_topic": topics.state(f"zone/{slug(zone)}/wait"),
        }
    for line in about.lines:
        for way in ("in", "out"):
            found[f"line_{slug(line)}_{way}"] = {
                "platform": "sensor",
                "name": f"{line} {way}",
                "state_class": "total_increasing",
                "state_topic": topics.state(f"line/{slug(line)}/{way}"),
            }
    for rule in about.rules:
        found[f"rule_{slug(rule)}"] = {
            "platform": "binary_sensor",
            "name": rule,
            "state_topic": topics.state(f"rule/{slug(rule)}"),
        }
    if about.has_events:
        found["events"] = {
            "platform": "event",
            "name": "event",
            "event_types": list(EVENT_TYPES),
            "state_topic": topics.events,
            "availability": _available(topics),
        }
    for component in found.values():
        component.setdefault("availability", _available(topics, with_camera=True))
        component.setdefault("availability_mode", "all")
    return found


def _count(name: str, topic: str) -> Component:
    return {
        "platform": "sensor",
        "name": name,
        "state_class": "measurement",
        "state_topic": topic,
    }


def _of_machine(topics: Topics) -> dict[str, Component]:
    diagnostic = {"entity_category": "diagnostic"}
    return {
        "camera": {
            "platform": "binary_sensor",
            "name": "camera",
            "device_class": "connectivity",
            "state_topic": topics.state("camera"),
            **diagnostic,
        },
        "fps": {
            "platform": "sensor",
            "name": "frames per second",
            "unit_of_measurement": "FPS",
            "state_class": "measurement",
            "state_topic": topics.state("fps"),
            **diagnostic,
        },
        "temperature": {
            "platform": "sensor",
            "name": "temperature",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "state_class": "measurement",
            "state_topic": topics.state("temperature"),
            **diagnostic,
        },
        "throttled": {
            "platform": "binary_sensor",
            "name": "throttled",
            "device_class": "problem",
            "state_topic": topics.state("throttled"),
            **diagnostic,
        },
    }


def _controls(about: DeviceDescription, topics: Topics) -> dict[str, Component]:
    config = {"entity_category": "config"}
    found: dict[str, Component] = {
        "threshold": {
            "platform": "number",
            "name": "threshold",
            "min": 0.01,
            "max": 1.0,
            "step": 0.01,
            "mode": "slider",
            "state_topic": topics.state("threshold"),
            "command_topic": topics.command("threshold"),
            **config,
        },
        "paused": {
            "platform": "switch",
            "name": "pause",
            "state_topic": topics.state("paused"),
            "command_topic": topics.command("paused"),
            **config,
        },
    }
    if len(about.variants) > 1:
        found["variant"] = {
            "platform": "select",
            "name": "variant",
            "options": list(about.variants),
            "state_topic": topics.state("variant"),
            "command_topic": topics.command("variant"),
            **config,
        }
    return found
