"""The check of the clock: whether the kernel's follows a better one."""

from __future__ import annotations

import ctypes

# The kernel counts up the error that a clock nobody corrects may have; systemd calls a clock
# synchronised below 16 s, whichever program sets it.
MAX_ERROR_US = 16_000_000
TIMEX_BYTES = 256  # more than struct timex has anywhere


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``, see adjtimex(2)."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * TIMEX_BYTES),
    ]


def is_synchronised() -> bool | None:
    """Whether the clock was set from the network or another clock; None where nobody can say."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()  # no modes: only read
    if adjtimex(ctypes.byref(timex)) < 0:
        return None
    return bool(timex.maxerror < MAX_ERROR_US)
