from __future__ import annotations

import msgspec
import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.tuning.log import TUNING, read_log


def test_damaged_log_is_refused(tiny_bundle):
    (tiny_bundle / TUNING).write_bytes(msgspec.json.encode({"halves": np.pi}))
    with pytest.raises(EvaluationError, match="tune again"):
        read_log(tiny_bundle)
