from __future__ import annotations

from dataclasses import replace

import pytest

from device.errors import SinkError
from device.outputs.memory_limit import MemoryLimit
from tests.device.conftest import make_outcome


def test_memory_up_to_the_limit_is_fine_and_above_it_ends_the_run():
    limit = MemoryLimit(100)
    limit.write(replace(make_outcome(), rss_mb=100))
    with pytest.raises(SinkError, match="101 MB are resident, and --memory-limit is 100 MB"):
        limit.write(replace(make_outcome(), rss_mb=100.9))
