"""A plugin that runs files, and the tests in each, in an order of chance: `make test-shuffled`."""

from __future__ import annotations

import os
import random
import time
from itertools import groupby

import pytest

# Before pytest-xdist starts its workers, which must all agree.
SEED = os.environ.setdefault("LITEBERRY_TEST_ORDER", str(time.time_ns() % 100_000))


def pytest_report_header() -> str:
    """Name what repeats the order."""
    return f"order: LITEBERRY_TEST_ORDER={SEED}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle; a file's tests stay together, as do the fixtures they share."""
    chance = random.Random(SEED)
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    chance.shuffle(files)
    for tests in files:
        chance.shuffle(tests)
    items[:] = [test for tests in files for test in tests]
