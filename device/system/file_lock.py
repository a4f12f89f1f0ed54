"""File locks: which process writes a file, known to the kernel and gone with the process."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

NOT_SUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)  # by the file system


def take_lock(number: int) -> bool:
    """Lock an open file or folder for its writer; False where another process has it locked.

    A file system without locks lets all have it.
    """
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno in NOT_SUPPORTED
    return True


def is_locked(path: Path) -> bool:
    """Whether a process writes the file ``path``; False where it is not there."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not take_lock(number)
    finally:
        os.close(number)
