"""Chatter of C++ libraries on standard error, kept from the user; all else is passed on."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
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
    with _one_at_a_time, tempfile.TemporaryFile() as held:
        with contextlib.suppress(ValueError, OSError, AttributeError):
            sys.stderr.flush()
        try:
            usual = os.dup(2)
        except OSError:  # a service may have none
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(usual, 2)
            held.seek(0)
            kept = [line for line in held if not line.startswith(CHATTER)]
            with contextlib.suppress(OSError):
                os.write(usual, b"".join(kept))
            os.close(usual)
