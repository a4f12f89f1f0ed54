from __future__ import annotations

import numpy as np

from convert.report.comparison import MOST_BYTES, encode, unmatched
from tests.helpers.measured_report import seen


def test_unmatched_pairs_by_label_and_overlap():
    base = [seen("cat", 0.9), seen("dog", 0.8)]
    other = [seen("cat", 0.7, (0.0, 0.0, 10.0, 8.0)), seen("dog", 0.6, (50.0, 50.0, 60.0, 60.0))]
    assert [item.label for item in unmatched(base, other)] == ["dog"]
    assert unmatched(base, base) == ()


def test_classifiers_differ_by_their_first_choice_only():
    base = [seen("cat", 0.9, None), seen("dog", 0.1, None)]
    assert unmatched(base, [seen("cat", 0.5, None), seen("cow", 0.2, None)]) == ()
    assert [item.label for item in unmatched(base, base[::-1])] == ["cat"]


def test_noisy_pictures_are_still_small():
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    assert len(encode(noise)) <= MOST_BYTES * 4 / 3 + 40
