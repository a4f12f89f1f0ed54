"""Event commands: what the user has called when something is seen."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from device.drawing.annotate import draw
from device.drawing.parts import FINDINGS
from device.images import encode_jpeg
from device.outputs.base import Sink
from device.outputs.serialization import describe, findings_record, now, scene_record
from device.records import Classification, Detection, Outcome, Pixels, Result, SceneEvent
from device.system.console import say

TIMEOUT_S = 60.0  # for a command, after which it is killed
KILLED_S = 0.5  # for one that was killed to be gone
STDERR = 2  # stdout is for results
MOST_RULES_DUE = 16  # while a command is at work: the oldest go
GRACE_S = 1.0  # for one that still works when the run ends


class CommandSink(Sink):
    """A caller of a command when one of ``labels`` comes, with the event as JSON on its input.

    In a run that follows objects that is once for each visit, and when a rule begins or ends; in
    others whenever one is found on a frame. One call at a time, and for what is seen not before
    ``cooldown_s`` have gone by since the last; all of it happens in a thread of its own. What the
    command prints goes to stderr. The first failure is told. ``clip_path`` tells what the clip of
    it, which is being recorded, will be called.
    """

    def __init__(
        self,
        command: str,
        labels: Collection[str],
        cooldown_s: float,
        clip_path: Callable[[], Path | None] | None = None,
        parts: AbstractSet[str] = FINDINGS,
        run_name: str = "",
    ) -> None:
        self._run_name = run_name
        self._command = command
        self._labels = labels
        self._cooldown_s = cooldown_s
        self._clip_path = clip_path
        self._parts = parts
        self._not_before_s = 0.0
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._told = False
        self._told_visits: set[int] = set()
        self._rules_due: deque[SceneEvent] = deque(maxlen=MOST_RULES_DUE)

    def write(self, outcome: Outcome) -> None:
        """Call the command if this is an event and its time has come."""
        result = outcome.result
        if result.scene is not None:
            self._rules_due += [e for e in result.scene.events if e.kind.startswith("rule-")]
            under_way = {visit.visit_id for visit in result.scene.visits}
            self._told_visits &= under_way
        if self._is_busy():
            return
        if self._rules_due:
            rule = self._rules_due.popleft()
            self._start(outcome, {"event": rule.kind, "rule": rule.place})
            return
        item = self._due(result)
        if item is None or outcome.finished_at_s < self._not_before_s:
            return
        self._not_before_s = outcome.finished_at_s + self._cooldown_s
        # All that are on the picture have been told of.
        shown = {item.visit_id for item in result.detections if item.label in self._labels}
        self._told_visits |= {number for number in shown if number is not None}
        self._start(outcome, {"event": "seen", **describe(item)})

    def _due(self, result: Result) -> Detection | Classification | None:
        """The best finding that nobody was told of."""
        if result.scene is None or result.kept:
            return result.best_of(self._labels)
        return next(
            (
                item
                for item in result.detections
                if item.label in self._labels
                and item.visit_id is not None
                and item.visit_id not in self._told_visits
            ),
            None,
        )

    def _start(self, outcome: Outcome, what: dict[str, object]) -> None:
        result = outcome.result
        image = outcome.frame.pixels.copy()
        draw(image, result.detections, "", result.classes or (), self._parts)
        clip = self._clip_path and self._clip_path()
        event = {
            **what,
            **({"name": self._run_name} if self._run_name else {}),
            "time": now(),
            "frame": outcome.frame.index,
            "source": outcome.frame.name,
            **findings_record(result),
            **({} if result.scene is None else scene_record(result.scene)),
            "clip": clip and str(clip.resolve()),
        }
        self._thread = threading.Thread(
            target=self._call, args=(event, image), name="event", daemon=True
        )
        self._thread.start()

    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _call(self, event: dict[str, object], image: Pixels) -> None:
        with contextlib.ExitStack() as stack:
            event["picture"] = None
            with contextlib.suppress(OSError):  # a full disk must not silence an alarm
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="liteberry-"))
                path = Path(folder) / "picture.jpg"
                path.write_bytes(encode_jpeg(image))
                event["picture"] = str(path)
            try:
                self._run(msgspec.json.encode(event))
            except OSError as exc:
                self._tell(f"cannot be started ({exc.strerror})")

    def _run(self, event: bytes) -> None:
        self._process = process = subprocess.Popen(
            shlex.split(self._command),
            stdin=subprocess.PIPE,
            stdout=STDERR,
            start_new_session=True,  # Ctrl-C is for the run alone, and a kill meets children too
        )
        try:
            process.communicate(event, TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._tell(f"killed, it was still at work after {TIMEOUT_S:.0f} s")
            self._kill()
            process.wait()
        if process.returncode:
            self._tell(f"failed with exit status {process.returncode}")

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _tell(self, what: str) -> None:
        if not self._told:
            say(f"--run {self._command}: {what}; later failures are not told")
        self._told = True

    def close(self) -> None:
        """Give a command that is at work a moment to end."""
        if self._thread is None:
            return
        self._thread.join(GRACE_S)
        if self._thread.is_alive():
            self._tell("killed, the run has ended")
            self._kill()
            self._thread.join(KILLED_S)
        self._thread = None

    def abort(self) -> None:
        """Kill a command that is at work."""
        self._kill()
