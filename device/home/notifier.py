"""The sink that sends a message to a phone when somebody comes, or a rule comes into force."""

from __future__ import annotations

import datetime
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from device.errors import LiteberryError
from device.home.notification import Delivery, Message, NotifyOptions
from device.home.observations import Sighting
from device.home.reporter import picture_of
from device.outputs.base import Sink
from device.records import Classification, Detection, Outcome, Result
from device.system.console import printable
from device.system.frame_queue import Handover
from device.system.isolated_process import ask

WORKER = "device.home.notify_worker"
MAX_WAITING = 4  # messages, each with a picture; the oldest goes
TIMEOUT_S = 60.0  # for all services; each has some seconds of its own in apprise
GRACE_S = 1.0  # for what is under way when the run ends

Send = Callable[[Message], Delivery]
_Job = Callable[[], None]


def send_in_child(message: Message) -> Delivery:
    """Send a message from a process of its own. Raises ``LiteberryError``."""
    return ask(WORKER, message, Delivery, "a message", TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class _Occasion:
    """What is worth a message: a class or a rule."""

    name: str
    found: tuple[Detection, ...]
    score: float | None = None

    def text(self) -> str:
        sure = "" if self.score is None else f", {self.score:.0%} sure"
        return f"{self.name}{sure}"


class NotifySink(Sink):
    """A sender of messages, with picture, label and link; the run never waits for one.

    Each class and rule has a cool-down. What happens in quiet hours is not told later. A service
    that does not take a message is told of once.
    """

    def __init__(
        self,
        options: NotifyOptions,
        say: Callable[[str], None],
        send: Send = send_in_child,
        now: Callable[[], datetime.datetime] = datetime.datetime.now,
    ) -> None:
        self._options = options
        self._say = say
        self._send = send
        self._now = now
        self._wanted = frozenset(options.on)
        self._not_before_s: dict[str, float] = {}
        self._waiting: Handover[_Job] = Handover(MAX_WAITING, newest=True)
        self._told: set[int] = set()  # services that failed
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    @property
    def services(self) -> int:
        """The number of services that get each message."""
        return len(self._options.urls)

    @property
    def wanted(self) -> Sequence[str]:
        """The classes and rules that are worth a message."""
        return self._options.on

    def write(self, outcome: Outcome) -> None:
        """Have a message sent if this frame is worth one."""
        for occasion in self._occasions(outcome.result):
            if outcome.finished_at_s < self._not_before_s.get(occasion.name, 0.0):
                continue
            quiet = self._options.quiet
            if quiet is not None and quiet.holds(self._now().time()):
                continue
            self._not_before_s[occasion.name] = outcome.finished_at_s + self._options.cooldown_s
            sighting = Sighting(occasion.name, outcome.frame.pixels, occasion.found)
            self._waiting.put(partial(self._tell, occasion, sighting))

    def send_test(self, jpeg: bytes | None) -> Future[Mapping[int, str]]:
        """Have a test message sent to each service, whatever the hour; ``jpeg`` goes with it.

        The result is why it did not arrive, by the number of the service, from 1. It does not come
        where the run ends before.
        """
        result: Future[Mapping[int, str]] = Future()
        self._waiting.put(partial(self._test, jpeg, result))
        return result

    def _occasions(self, result: Result) -> Iterator[_Occasion]:
        if result.scene is None:
            item = result.best_of(self._wanted)
            if item is not None:
                yield _Occasion(item.label, _boxes_of(item), item.score)
            return
        for event in result.scene.events:
            visit = event.visit
            if event.kind == "visit-began" and visit is not None and visit.label in self._wanted:
                found = tuple(d for d in result.detections if d.visit_id == visit.visit_id)
                yield _Occasion(visit.label, found, visit.score)
            elif event.kind == "rule-began" and event.place in self._wanted:
                yield _Occasion(event.place, result.detections)

    def _work(self) -> None:
        """In a thread of its own: check the services, then send what comes."""
        self._deliver(Message(urls=tuple(self._options.urls)))
        while (job := self._waiting.get()) is not None:
            job()

    def _tell(self, occasion: _Occasion, sighting: Sighting) -> None:
        with tempfile.TemporaryDirectory(prefix="liteberry-", ignore_cleanup_errors=True) as to:
            path = _write_picture(Path(to), picture_of(sighting))
            self._deliver(self._message(occasion.name, occasion.text(), path))

    def _test(self, jpeg: bytes | None, result: Future[Mapping[int, str]]) -> None:
        if not result.set_running_or_notify_cancel():
            return  # whoever asked is gone
        with tempfile.TemporaryDirectory(prefix="liteberry-", ignore_cleanup_errors=True) as to:
            path = None if jpeg is None else _write_picture(Path(to), jpeg)
            message = self._message("test", "A test of the messages, from the live page", path)
            try:
                result.set_result(self._send(message).failures)
            except LiteberryError as exc:
                result.set_exception(exc)

    def _message(self, subject: str, text: str, picture: str | None) -> Message:
        options = self._options
        when = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
        return Message(
            urls=tuple(options.urls),
            title=f"{options.name}: {subject}",
            body=f"{text}, {when}" + (f"\n{options.link}" if options.link else ""),
            picture=picture,
        )

    def _deliver(self, message: Message) -> None:
        try:
            failures = self._send(message).failures
        except LiteberryError as exc:
            failures = {0: str(exc)}
        for number, reason in failures.items():
            if number not in self._told:
                which = f", number {number}" if number else ""
                self._say(
                    f"--notify{which}: {printable(reason)}; the run goes on, and later failures "
                    "of it are not told"
                )
            self._told.add(number)

    def close(self) -> None:
        """Give what is under way a moment."""
        self._waiting.close()
        self._thread.join(GRACE_S)


def _boxes_of(item: Detection | Classification) -> tuple[Detection, ...]:
    return (item,) if isinstance(item, Detection) else ()


def _write_picture(folder: Path, jpeg: bytes) -> str | None:
    """The path of the picture; None where there is no room for it: the message is worth more."""
    path = folder / "picture.jpg"
    try:
        path.write_bytes(jpeg)
    except OSError:
        return None
    return str(path)
