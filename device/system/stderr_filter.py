"""The filter of standard error: chatter of C++ libraries goes, all else is passed on."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

CHATTER = (b"INFO: ", b"VERBOSE: ")
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def chatter_dropped() -> Iterator[None]:
    """Hold back what this process writes to standard error; then pass on all but chatter.

    It is the file descriptor that is held back, since C++ knows no ``sys.stderr``: what other
    threads say meanwhile comes a little later.
    """
    if not hasattr(os, "memfd_create"):  # Linux's; elsewhere the line stays
        yield
        return
    with _one_at_a_time:
        try:
            usual = os.dup(2)
        except OSError:  # a service may have none
            yield
            return
        held = os.memfd_create("stderr")  # no file, and no import that costs memory
        os.dup2(held, 2)
        try:
            yield
        finally:
            os.dup2(usual, 2)
            with contextlib.suppress(OSError):
                os.write(usual, _without_chatter(held))
            os.close(held)
            os.close(usual)


def _without_chatter(held: int) -> bytes:
    os.lseek(held, 0, os.SEEK_SET)
    with open(held, "rb", closefd=False) as said:
        return b"".join(line for line in said if not line.startswith(CHATTER))
