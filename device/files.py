"""Files that others wrote: only regular ones are read, and no more of them than fits.

A named pipe would be waited for without end, a device such as /dev/zero fills all memory.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

# Most bytes that are read whole, by what is read.
MOST_OF_A_TEXT = 4_000_000  # labels, settings, a manifest: ten thousand classes are 0.2 MB
MOST_OF_A_MODEL = 2_000_000_000  # a flatbuffer's own limit is 2^31 bytes


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file to be read; never waits.

    Raises ``OSError``, whose ``strerror`` says why, for what is missing, a folder, a pipe or a
    device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "no regular file, but a pipe or a device", str(path))
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """All of a file of at most ``most`` bytes. Raises ``OSError`` as :func:`open_regular`."""
    with open_regular(path) as file:
        # Not ``most + 1``: the memory for as much would be taken first.
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(size, most) + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most / 1e6:g} MB, too large for this", str(path))
    return data
