"""The outbox: what is still to be reported, bounded, the newest state of each topic alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

MAX_EVENTS = 256


class Outbox:
    """States that the broker does not have yet, and events in their order; for one thread."""

    def __init__(self) -> None:
        self._sent: dict[str, bytes] = {}
        self._states: dict[str, bytes] = {}
        self._events: deque[bytes] = deque(maxlen=MAX_EVENTS)
        self.lost_events = 0

    def put_states(self, states: Mapping[str, bytes]) -> None:
        """Note the states that differ from what was sent; an older one of a topic is replaced."""
        for topic, payload in states.items():
            if self._sent.get(topic) == payload:
                self._states.pop(topic, None)
            else:
                self._states[topic] = payload

    def put_event(self, payload: bytes) -> None:
        """Note an event; the oldest one goes where there are too many."""
        self.lost_events += len(self._events) == MAX_EVENTS
        self._events.append(payload)

    def take_state(self) -> tuple[str, bytes] | None:
        """The state that waits longest, which counts as sent now; None where there is none."""
        if not self._states:
            return None
        topic = next(iter(self._states))
        payload = self._sent[topic] = self._states.pop(topic)
        return topic, payload

    def take_event(self) -> bytes | None:
        """The oldest event; None where there is none."""
        return self._events.popleft() if self._events else None

    def forget(self, topic: str) -> None:
        """Let a topic's next state be sent, also if it is the one that was."""
        self._sent.pop(topic, None)

    def resend(self) -> None:
        """Let every state that was ever sent be sent again: the broker may have forgotten them."""
        self._states = {**self._sent, **self._states}
        self._sent = {}
