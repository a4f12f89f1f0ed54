"""Mutation of real files, and how often: a little in every test run, much in ``make test-fuzz``."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("LITEBERRY_FUZZ_EXAMPLES", "0"))
QUICK = 40  # of each reader where the suite is not what was asked for
MEMORY_BYTES = 500_000_000  # that any reading may take, where it is

often = settings(max_examples=EXAMPLES or QUICK)

# What a reader that trusts its file comes to grief with.
RUBBISH = [
    b"", b"\0", b"\xff", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xd8",
    b"9" * 30, b"-1", b"1e999", b"nan", b"{", b"[" * 300, b'"', b"\\", b"\r\n\r\n", b"..", b"\xc3",
]  # fmt: skip
NUMBERS = [0, -1, 1, 2, 3, 255, 8193, 10**9, 2**31, 2**63 - 1, 2**63, 2**70, 0.5, -0.5, 1e-300]
OTHERS = [None, True, "", "x", "a\0b", "../x", "\ud7ff", [], {}, [1], [[]], {"x": 1}]

Value = TypeVar("Value")


def mutations(*originals: bytes) -> st.SearchStrategy[bytes]:
    """One of ``originals`` with bytes replaced, cut out or put in, and perhaps its end cut off."""
    edit = st.tuples(
        st.floats(0, 1),
        st.sampled_from([0, 1, 2, 4, 16]),
        st.sampled_from(RUBBISH) | st.binary(min_size=1, max_size=4),
    )

    def apply(parts: tuple[bytes, list[tuple[float, int, bytes]], float]) -> bytes:
        data, edits, length = parts
        for place, cut, new in edits:
            start = int(place * len(data))
            data = data[:start] + new + data[start + cut :]
        return data[: int(length * len(data))]

    whole = st.just(1.0) | st.floats(0, 1)
    return st.tuples(st.sampled_from(originals), st.lists(edit, max_size=5), whole).map(apply)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process take no more than ``MEMORY_BYTES`` besides what it has.

    Only in ``make test-fuzz``: other tests in the same process would meet the limit.
    """
    if not EXAMPLES:
        yield
        return
    with open("/proc/self/statm") as file:  # noqa: PTH123 - no file, but the kernel's answer
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refused(error: type[BaseException], read: Callable[[], Value]) -> Value | None:
    """What ``read`` gives, or None where it raises ``error`` in one line; else the test fails."""
    said = ""
    try:
        return read()
    except error as exc:
        said = str(exc)
    assert "\n" not in said, "more than one line"
    return None
