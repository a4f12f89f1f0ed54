from __future__ import annotations

import pytest

from convert.tuning.types import Fold
from tests.helpers.tuning import unseen


def test_bad_luck_of_the_one_chosen_is_told_by_what_the_others_lost():
    # Of its like, by the worst one, 0.1 is to be expected; its own 0.5 is mostly noise.
    worst, chosen = unseen(1.0, 1.6, 0.1), unseen(0.1, 0.5, 0.4)
    finalists = [worst, chosen, unseen(0.1, -0.3, 0.4)]
    half = Fold(screened=[], finalists=finalists, chosen=chosen)
    assert half.expected_unseen(1.0) == pytest.approx(0.15 + 0.0340 * 0.35, abs=1e-4)


def test_drop_that_is_measured_well_is_believed():
    worst, chosen = unseen(1.0, 1.6, 0.1), unseen(0.1, 0.5, 0.001)
    finalists = [worst, chosen, unseen(0.1, -0.3, 0.4)]
    half = Fold(screened=[], finalists=finalists, chosen=chosen)
    assert half.expected_unseen(1.0) == pytest.approx(0.5, abs=1e-3)
