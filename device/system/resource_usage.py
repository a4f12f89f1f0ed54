"""Resource usage of this process: resident memory, now and at its peak."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

STATM = Path("/proc/self/statm")  # made once: see ``below`` in :mod:`device.system.board`


def rss_mb() -> float:
    """Resident memory of this process now, in MB (10^6 bytes)."""
    try:
        pages = int(STATM.read_bytes().split()[1])
    except OSError:  # not Linux
        return peak_rss_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def pss_mb() -> float | None:
    """Resident memory with shared pages divided among those who share them, in MB (10^6 bytes).

    None where the kernel does not tell (not Linux).
    """
    try:
        rollup = Path("/proc/self/smaps_rollup").read_bytes()
        return int(rollup.split(b"\nPss:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        return None


def peak_rss_mb() -> float:
    """The most memory this process ever had resident, in MB (10^6 bytes)."""
    try:
        # Not ru_maxrss: a child process inherits that from whoever started it.
        status = Path("/proc/self/status").read_bytes()
        return int(status.split(b"VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):  # not Linux
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
