"""The run as the live page has it: what viewers are told of it, and what they may change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device import __version__
from device.bundle.label_formats import UNUSED
from device.bundle.labels import BACKGROUND
from device.bundle.model import Model
from device.cameras.base import CameraLoss
from device.cameras.url import redact
from device.drawing.palette import class_colour, hex_colour
from device.pipeline.history import History, Second
from device.pipeline.live_settings import Controls
from device.pipeline.pipeline import Pipeline
from device.pipeline.scene_view import SceneView
from device.system.board import Memory, State, read_board, throttled_now, throttled_since_boot
from device.system.resource_usage import rss_mb
from device.web.broadcast import Audience
from device.web.feed import PageFeed

if TYPE_CHECKING:
    from device.pipeline.scene_editor import SceneEditor
    from device.web.messages import MessageTest
    from device.web.past import Past

BUNDLE_DIGITS = 12  # of a bundle's sha256, to tell it from others
GOODBYE_LABELS = 5  # that were seen most, and are told at the end


@dataclass(frozen=True)
class Run:
    """A run as the page tells of it, and acts on it; ``feed`` is its sink among the pipeline's."""

    feed: PageFeed
    pipeline: Pipeline
    controls: Controls
    about: Mapping[str, object]  # what stays the same, and viewers are told once
    past: Past | None = None  # in a run that keeps its visits
    editor: SceneEditor | None = None  # in a run that has zones, lines or masks, or a file for them
    messages: MessageTest | None = None  # in a run that sends messages

    @property
    def audience(self) -> Audience:
        """Those who watch."""
        return self.feed.audience

    @property
    def history(self) -> History:
        """How its frames went."""
        return self.feed.history

    def hello(self) -> bytes:
        """The JSON that a viewer gets first."""
        messages = None if self.messages is None else self.messages.about
        history = list(self.history.seconds)
        return msgspec.json.encode({**self.about, "messages": messages, "history": history})

    def ailment(self) -> str | None:
        """Why this run is not well, with the cause where the camera knows it; None if it is."""
        ailment, loss = self.history.ailment(), self.pipeline.loss
        return ailment if ailment is None or loss is None else f"{ailment}: {loss.cause}"

    def health(self) -> tuple[int, bytes]:
        """The status and JSON for whoever restarts a run that is not well."""
        ailment = self.ailment()
        if ailment is None:
            return HTTPStatus.OK, b'{"status":"ok"}\n'
        content = msgspec.json.encode({"status": "failing", "reason": ailment})
        return HTTPStatus.SERVICE_UNAVAILABLE, content + b"\n"

    def goodbye(self, failure: str | None) -> bytes:
        """The JSON that a viewer gets last; ``failure`` is what ended the run, if that was one."""
        seen = self.pipeline.frames_with.most_common(GOODBYE_LABELS)
        return msgspec.json.encode(
            {"frames": self.history.frames, "seen": seen, "failure": failure}
        )

    def scene(self) -> SceneView:
        """The zones, lines and masks in force."""
        return SceneView() if self.editor is None else self.editor.view

    def settings(self) -> bytes:
        """The settings in force, as JSON."""
        return msgspec.json.encode(self.controls.settings)

    def second(self, second: Second, state: State, memory: Memory) -> bytes:
        """The JSON that viewers get every second; ``state`` and ``memory`` are the machine's."""
        return msgspec.json.encode(
            {
                **msgspec.structs.asdict(second),
                "ailment": self.history.ailment(),
                "loss": _told(self.pipeline.loss),
                "frames": self.history.frames,
                "dropped": self.pipeline.dropped,
                "viewers": len(self.audience.viewers),
                "rss_mb": round(rss_mb(), 1),
                "cpu_percent": round(self.pipeline.load.cpu_percent, 1),
                "memory_total_mib": memory.total_mib,
                "memory_available_mib": memory.available_mib,
                "temperature_c": state.temperature_c,
                "throttled": None if state.throttled is None else throttled_now(state.throttled),
                "throttled_before": throttled_since_boot(state.throttled or 0),
            }
        )


def _told(loss: CameraLoss | None) -> dict[str, object] | None:
    if loss is None:
        return None
    for_s = round(time.monotonic() - loss.at_s, 1)
    return {"cause": loss.cause, "advice": loss.advice, "for_s": for_s}


def describe(
    bundle: Model, source: str, name: str = "", variants: Sequence[str] | None = None
) -> dict[str, object]:
    """The description of a run of ``bundle`` on ``source``, as viewers get it.

    ``variants`` are those that it can change to; None means all.
    """
    manifest, board = bundle.manifest, read_board()
    return {
        "name": name,
        "version": __version__,
        "model": manifest.model,
        "bundle": bundle.sha256[:BUNDLE_DIGITS],
        "task": manifest.task,
        "source": redact(source) if "://" in source else Path(source).name,
        "board": board.title,
        "cores": board.cpu.cores,
        "variants": {
            name: item.size_bytes
            for name, item in manifest.variants.items()
            if variants is None or name in variants
        },
        "labels": {
            label: hex_colour(class_colour(class_id))
            for class_id, label in enumerate(bundle.labels)
            if label not in (UNUSED, BACKGROUND)
        },
    }
