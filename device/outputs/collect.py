"""Collected frames: clean images that would teach a network most, with what it found on them."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device.errors import SinkError
from device.image_hash import SAME_BITS, bits_apart, frame_hash
from device.images import encode_jpeg
from device.inference.boxes import MATCH_IOU, Box, iou
from device.json_text import decode_json
from device.outputs.base import Sink, make_folder
from device.outputs.file_names import stamp
from device.outputs.flicker import FlickerDetector
from device.outputs.pace import Pace
from device.outputs.retention import DiskSpace
from device.outputs.serialization import describe, now
from device.records import Classification, Detection, Frame, Outcome, Result
from device.system.atomic_file import write_whole
from device.system.console import say
from device.system.file_lock import take_lock

TABLE = "collected.jsonl"  # a line for each image
MAX_TABLE_BYTES = 64 << 20  # of an earlier run's that is read
RARE = 20  # images of a class, of which each more is wanted
REMEMBERED = 2000  # scenes that a new one is compared with


class _Found(msgspec.Struct, frozen=True):
    label: str
    score: float
    box: Box | None = None


class _Line(msgspec.Struct, frozen=True):
    """What is read of a line that an earlier run wrote."""

    hash: str
    findings: tuple[_Found, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What makes two images the same: how the whole looks, and where what was found is."""

    hash: int
    findings: tuple[tuple[str, Box | None], ...]

    def is_known_from(self, other: Scene) -> bool:
        """Whether both look alike, and all found here was found there in about the same place."""
        if bits_apart(self.hash, other.hash) > SAME_BITS:
            return False
        waiting = list(other.findings)
        for label, box in self.findings:
            match = next((item for item in waiting if _is_same(label, box, item)), None)
            if match is None:
                return False
            waiting.remove(match)
        return True


def _is_same(label: str, box: Box | None, other: tuple[str, Box | None]) -> bool:
    if label != other[0]:
        return False
    return box is None or other[1] is None or iou(box, other[1]) >= MATCH_IOU


class CollectSink(Sink):
    """A folder of frames worth labelling, without anything drawn on them.

    A frame is kept where the network is unsure of a finding (its score lies within ``scores``),
    where it found a class of which fewer than ``RARE`` images are kept, and where it missed for a
    moment what it had found before and found again. At most one is kept in ``every_s`` seconds,
    none that shows a scene which is kept already, in this run or an earlier one, and none beyond
    ``quota_bytes``: nothing is removed to make room. What cannot be written is told of once; the
    run goes on.
    """

    def __init__(
        self,
        folder: Path,
        scores: tuple[float, float],
        every_s: float,
        quota_bytes: int,
        pace: Pace,
        *,
        local_time: bool = False,
    ) -> None:
        """Raises ``SinkError`` where the folder cannot be made, or another run has it."""
        make_folder(folder)
        self._lock: int | None = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        if not take_lock(self._lock):
            self.close()
            raise SinkError(
                f"{folder}: another run is writing into it; end that one, or choose another folder"
            )
        self._folder = folder
        self._low, self._high = scores
        self._every_s = every_s
        self._quota_bytes = quota_bytes
        self._pace = pace
        self._local_time = local_time
        self._space = DiskSpace(folder)
        self._flicker = FlickerDetector()
        self._kept_at_s: float | None = None
        self._ended = False
        self._scenes: deque[Scene] = deque(maxlen=REMEMBERED)
        self._images_of: Counter[str] = Counter()
        self._bytes = sum(item.stat().st_size for item in folder.iterdir() if item.is_file())
        self._recall()

    def _recall(self) -> None:
        """Read what earlier runs kept; a line that was cut off or changed counts for nothing."""
        table = self._folder / TABLE
        if not table.is_file() or table.stat().st_size > MAX_TABLE_BYTES:
            return
        with table.open("rb") as lines:
            for line in lines:
                try:
                    known = decode_json(line, _Line)
                    scene = Scene(
                        int(known.hash, 16),
                        tuple((item.label, item.box) for item in known.findings),
                    )
                except ValueError:
                    continue
                self._remember(scene)

    def _remember(self, scene: Scene) -> None:
        self._scenes.append(scene)
        self._images_of.update({label for label, _ in scene.findings})

    def write(self, outcome: Outcome) -> None:
        """Keep the frame if it teaches something new."""
        if self._ended or outcome.result.kept:
            return
        at_s = self._pace.at_s(outcome.frame)
        frame, result, why = outcome.frame, outcome.result, self._reason(outcome.result)
        missed = self._flicker.missed(outcome, at_s)
        if missed is not None:
            frame, result, why = missed.frame, missed.result, "flicker"
        if why is None or not self._is_due(at_s):
            return
        findings = _findings(result, self._low)
        places = (item.box if isinstance(item, Detection) else None for item in findings)
        labels = (item.label for item in findings)
        scene = Scene(frame_hash(frame.pixels), tuple(zip(labels, places, strict=True)))
        if any(scene.is_known_from(other) for other in self._scenes):
            return
        try:
            self._keep(frame, result, why, scene)
        except SinkError as exc:
            self._end(f"no more frames are collected, the run goes on: {exc}")
            return
        self._kept_at_s = at_s
        self._remember(scene)

    def _reason(self, result: Result) -> str | None:
        """Why a frame teaches something: ``unsure``, ``rare``; None where it does not."""
        found = result.findings if result.classes is None else result.classes[:1]
        if any(self._low <= item.score <= self._high for item in (*found, *result.unsure)):
            return "unsure"
        if any(self._images_of[item.label] < RARE for item in found):
            return "rare"
        return None

    def _is_due(self, at_s: float) -> bool:
        return self._kept_at_s is None or at_s - self._kept_at_s >= self._every_s

    def _keep(self, frame: Frame, result: Result, why: str, scene: Scene) -> None:
        """Write the image, then its line. Raises ``SinkError``."""
        name = self._free_name(frame.index)
        image = encode_jpeg(frame.pixels)
        width, height = frame.size_wh
        record = {
            "file": name,
            "time": now(),
            "source": frame.name,
            "why": why,
            "width": width,
            "height": height,
            "findings": [describe(item) for item in _findings(result, self._low)],
            "hash": f"{scene.hash:016x}",
        }
        line = msgspec.json.encode(record) + b"\n"
        if self._bytes + len(image) + len(line) > self._quota_bytes:
            self._end(
                f"{self._folder}: its quota of {self._quota_bytes / 1e6:g} MB is full; label what "
                "is there, then collect into another folder"
            )
            return
        self._space.make(len(image) + len(line))
        write_whole(self._folder / name, image)
        table = self._folder / TABLE
        try:
            with table.open("ab") as lines:
                lines.write(line)
        except OSError as exc:
            raise SinkError(f"{table}: {exc.strerror}") from exc
        self._bytes += len(image) + len(line)

    def _free_name(self, index: int) -> str:
        """A name that no file has, also where the clock was set back since the last run."""
        time_s = time.time()
        while True:
            name = f"{stamp(time_s, local=self._local_time)}-{index:06d}.jpg"
            if not (self._folder / name).exists():
                return name
            time_s += 1

    def _end(self, message: str) -> None:
        self._ended = True
        say(message)

    def close(self) -> None:
        """Let go of the folder."""
        number, self._lock = self._lock, None
        if number is not None:
            os.close(number)


def _findings(result: Result, least: float) -> tuple[Detection, ...] | tuple[Classification, ...]:
    """What a line lists: a detector's detections, the unsure ones too; a classifier's best."""
    if result.classes is None:
        return (*result.detections, *(item for item in result.unsure if item.score >= least))
    return result.classes[:1]
