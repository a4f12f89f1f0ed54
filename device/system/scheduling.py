"""Scheduling classes of Linux: which threads wait for their turn, and which take it at once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def batch_scheduling() -> Iterator[None]:
    """Have the calling thread scheduled as a batch job (``SCHED_BATCH`` of sched(7)) meanwhile.

    It keeps its share of the processor, but no longer interrupts another thread each time it wakes
    up: the network computes without a break and sleeps hardly ever, so the kernel would let whoever
    has just slept go first, though another processor is free a moment later. What was set by hand
    (``chrt``) stays, and where the system refuses or is not Linux nothing happens.
    """
    if not _change("SCHED_OTHER", "SCHED_BATCH"):
        yield
        return
    try:
        yield
    finally:
        _change("SCHED_BATCH", "SCHED_OTHER")


def _change(before: str, after: str) -> bool:
    """Change the class of the calling thread, if it is ``before``; whether that was done."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(0) == getattr(os, before):  # 0 is this thread, not all
                os.sched_setscheduler(0, getattr(os, after), os.sched_param(0))
                return True
    return False
