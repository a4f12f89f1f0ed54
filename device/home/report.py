"""States of a run as they are reported: a retained topic each, and the text that it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from device.home.discovery import OFF, ON
from device.home.topics import Topics, slug
from device.pipeline.live_settings import LiveSettings
from device.records import Result, SceneState
from device.system.board import State, throttled_now

States = dict[str, bytes]  # topic -> payload


def on_off(is_on: bool) -> bytes:
    """A binary state's text."""
    return (ON if is_on else OFF).encode()


def labels_of(result: Result) -> tuple[str, ...]:
    """The label of each that there is: of visits where the run follows objects.

    Of a classifier, that of its best class alone.
    """
    if result.scene is not None:
        return tuple([visit.label for visit in result.scene.visits])
    seen = result.detections if result.classes is None else result.classes[:1]
    return tuple([item.label for item in seen])


def class_states(counts: Counter[str], classes: Sequence[str], topics: Topics) -> States:
    """Occupancy and count of each of ``classes``."""
    found = {}
    for label in classes:
        found[topics.of_class(label, "occupancy")] = on_off(counts[label] > 0)
        found[topics.of_class(label, "count")] = str(counts[label]).encode()
    return found


def scene_states(scene: SceneState, rules: Sequence[str], topics: Topics) -> States:
    """The state of each zone, line and rule."""
    found = {}
    for zone in scene.zones:
        base = f"zone/{slug(zone.name)}"
        found[topics.state(f"{base}/occupancy")] = on_off(zone.inside > 0)
        found[topics.state(f"{base}/count")] = str(zone.inside).encode()
        if zone.wait_s is not None:
            found[topics.state(f"{base}/wait")] = f"{zone.wait_s:.0f}".encode()
    for line in scene.lines:
        base = f"line/{slug(line.name)}"
        found[topics.state(f"{base}/in")] = str(line.ins).encode()
        found[topics.state(f"{base}/out")] = str(line.outs).encode()
    for rule in rules:
        found[topics.state(f"rule/{slug(rule)}")] = on_off(rule in scene.rules)
    return found


def machine_states(fps: float, state: State, topics: Topics) -> States:
    """How fast the run is, and how the board is doing."""
    found = {topics.state("fps"): f"{fps:.1f}".encode()}
    if state.temperature_c is not None:
        found[topics.state("temperature")] = f"{state.temperature_c:.0f}".encode()
    if state.throttled is not None:
        found[topics.state("throttled")] = on_off(bool(throttled_now(state.throttled)))
    return found


def setting_states(settings: LiveSettings, topics: Topics) -> States:
    """What the controls are set to."""
    return {
        topics.state("threshold"): f"{settings.threshold:g}".encode(),
        topics.state("variant"): settings.variant.encode(),
        topics.state("paused"): on_off(settings.paused),
    }
