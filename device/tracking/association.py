"""Association: which detection goes on which track, by overlap.

The pairs that overlap most in sum are found by the Jonker-Volgenant algorithm of `lap`
(NumPy has none, SciPy's would cost a Pi 40 MB).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def assign(similarity: Values, least: float) -> Pairs:
    """The pairs (rows, columns) of most similarity in sum, of each at least ``least``."""
    nothing = np.zeros(0, np.intp), np.zeros(0, np.intp)
    if not similarity.size or similarity.max() < least:
        return nothing
    import lap  # here: a run without tracks need not pay for it

    columns = lap.lapjv(1 - similarity, extend_cost=True, cost_limit=1 - least, return_cost=False)[
        0
    ]
    rows = np.flatnonzero(columns >= 0)
    return rows, columns[rows].astype(np.intp)
