from __future__ import annotations

import pytest

from convert.training.state import RunState, as_good


@pytest.mark.parametrize(("images", "less"), [(1, 0.25), (25, 0.05), (625, 0.01)])
def test_score_on_few_images_may_be_lower_by_chance(images, less):
    assert as_good(images) == pytest.approx(less)


def test_run_that_has_not_begun_has_no_best():
    state = RunState()
    assert (state.step, state.best, state.best_score) == (0, [], -1.0)
