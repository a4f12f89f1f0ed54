"""Memory trimming: what the C library and the kernel can be asked for, to stay small.

All of it only saves memory: where it cannot be had (not Linux, not glibc) nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from pathlib import Path

M_ARENA_MAX = -8  # malloc.h of glibc
# What each thread keeps for itself of what it freed: chunks of these sizes, so many of each.
# Source: malloc.c of glibc 2.26 to 2.41 (tcache_count, tcache_max).
CACHED_BYTES, CACHED_OF_EACH = range(24, 1033, 16), 7
LEAVING_S = 5.0  # a thread that has nothing more to do, on a busy machine
MADV_DONTNEED = 4  # asm-generic/mman-common.h of Linux


def share_one_arena() -> None:
    """Let all threads allocate from one arena: each of its own would keep what it freed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def return_freed() -> None:
    """Give what was freed back to the kernel, also from between what is still in use.

    The C library gives back the end of its heap alone. What an encoder took for a clip would stay
    as holes, which what comes later fills only in part: a run's memory would creep up for hours.
    """
    libc = ctypes.CDLL(None)
    trim = getattr(libc, "malloc_trim", None)
    if trim is not None:
        _empty_cache(libc)
        trim(ctypes.c_size_t(0))


def _empty_cache(libc: ctypes.CDLL) -> None:
    """Give what the calling thread's cache holds of the heap back to the heap.

    Each of those chunks, of 16 bytes or 1,000, keeps a page of four kilobytes, and the pages of an
    encoder that is closed are full of them. Nothing empties the cache of a thread but its end, so
    its chunks are taken out and left to a thread that ends at once.
    """
    malloc, free = libc.malloc, libc.free
    malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free.argtypes = [ctypes.c_void_p]
    chunks = [malloc(size) for size in CACHED_BYTES for _ in range(CACHED_OF_EACH)]

    def free_all() -> None:
        for chunk in chunks:
            free(chunk)

    passing = threading.Thread(target=free_all, name="free", daemon=True)
    try:
        passing.start()
    except RuntimeError:  # no more threads may be started
        free_all()
    else:
        passing.join()
        _wait_until_gone(passing.native_id)


def _wait_until_gone(native_id: int | None) -> None:
    """Wait for the end of a thread that Python has joined: its cache is emptied after that."""
    deadline_s = time.monotonic() + LEAVING_S
    # No Path: each interns its parts, and this number is another one each time.
    task = f"/proc/self/task/{native_id}"
    while os.path.exists(task) and time.monotonic() < deadline_s:  # noqa: PTH110
        time.sleep(0.0005)


def forget_startup(model: Path) -> None:
    """Drop pages that starting up has touched; those still needed come back from the cache.

    They are the code of libraries, most of which ran once, and the ``model``'s file, whose
    weights the interpreter has packed into memory of its own. Only clean pages are dropped:
    a library's read-only data may hold addresses that the loader filled in.
    """
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return
    libc = ctypes.CDLL(None)
    model_file = str(model.resolve())
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) < 6 or not fields[5].startswith("/") or "w" in fields[1]:
            continue
        if "x" in fields[1] or fields[5] == model_file:
            start, end = (int(side, 16) for side in fields[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)
