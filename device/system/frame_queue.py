"""The frame queue: a bounded hand-over between two threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Handover(Generic[Item]):
    """Holds at most ``size`` items that one thread puts and another gets.

    Where it is full, ``put`` waits; with ``newest`` it replaces the oldest instead, and
    ``dropped`` counts those. ``on_change`` is called after each change, by the thread that made it.
    """

    on_change: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, size: int, *, newest: bool = False) -> None:
        self._items: deque[Item] = deque()
        self._size = size
        self._newest = newest
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self.dropped = 0

    def put(self, item: Item) -> bool:
        """Hand ``item`` over; False, and not taken, after :meth:`close`."""
        with self._changed:
            self._changed.wait_for(lambda: not self.put_waits)
            if self._closed:
                return False
            if len(self._items) == self._size:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()
        self.on_change()
        return True

    def wait_for_room(self) -> bool:
        """Wait until :meth:`put` would not; False after :meth:`close`."""
        with self._changed:
            self._changed.wait_for(lambda: not self.put_waits)
            return not self._closed

    def get(self, timeout_s: float | None = None) -> Item | None:
        """The oldest item, waited for; None after the last one.

        Raises the error that the other side closed it with, after the last item, and
        ``TimeoutError`` where none came for ``timeout_s``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout_s):
                raise TimeoutError
            if not self._items:
                if self._error is not None:
                    raise self._error
                return None
            item = self._items.popleft()
            self._changed.notify_all()
        self.on_change()
        return item

    @property
    def put_waits(self) -> bool:
        """Whether ``put`` would wait."""
        return len(self._items) == self._size and not (self._newest or self._closed)

    @property
    def get_waits(self) -> bool:
        """Whether ``get`` would wait."""
        return not (self._items or self._closed)

    @property
    def is_closed(self) -> bool:
        """Whether no more is put."""
        return self._closed

    def close(self, error: BaseException | None = None) -> None:
        """No more will be put, or got by one who waits; the first call counts."""
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
            self._changed.notify_all()
        self.on_change()
