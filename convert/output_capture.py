"""Capture of output: keeps the converter's own chatter from the user."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(debug: bool) -> Iterator[None]:
    """Swallow all that this process prints, from C++ too; ``debug`` lets it through.

    TensorFlow writes to the file descriptors themselves, so these are what is redirected. If
    the block raises, its output is discarded all the same: the exception says what went wrong.
    """
    if debug:
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(1), os.dup(2)
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
