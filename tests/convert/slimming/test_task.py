from __future__ import annotations

from pathlib import Path

import pytest

from convert.slimming.task import SlimOptions


def test_networks_so_far_lie_beside_the_bundle_that_is_to_be():
    options = SlimOptions(Path("build/small"))
    assert options.work == Path("build/small.slimming")


@pytest.mark.parametrize(("target", "board"), [("pi4", "pi4"), ("pi5", "pi5"), ("here", "pi5")])
def test_networks_are_ranked_by_a_board_also_where_they_are_timed_here(target, board):
    assert SlimOptions(Path("out"), target=target).board == board
