from __future__ import annotations

import numpy as np
import pytest

from convert.compression.channel_groups import channel_groups
from convert.compression.cost_model import network_instructions
from convert.compression.narrowing import channels_for
from convert.compression.pruning import remove_channels
from convert.errors import TrainingError
from convert.models.layer_weights import kernel_shapes
from tests.convert.compression.conftest import SIZE


@pytest.fixture(scope="module")
def importance(weights):
    random = np.random.default_rng(2)
    return {
        group.producer: random.uniform(0.5, 1, weights[group.producer][0].shape[3]).astype(
            np.float32
        )
        for group in channel_groups()
    }


@pytest.mark.parametrize(("board", "step"), [("pi4", 8), ("pi5", 16)])
def test_cost_is_reached_in_groups_that_kernels_work_on(weights, importance, board, step):
    kernels = kernel_shapes(weights)
    goal = 0.6 * network_instructions(kernels, SIZE, board)
    kept = channels_for(kernels, importance, SIZE, board, goal)
    small = kernel_shapes(remove_channels(weights, kept))
    reached = network_instructions(small, SIZE, board)
    assert 0.97 * goal < reached <= goal
    for name, channels in kept.items():
        whole = weights[name][0].shape[3]
        assert (whole - len(channels)) % step == 0
        assert whole / 8 <= len(channels) < whole
        assert (np.diff(channels) > 0).all()


def test_channels_that_matter_not_at_all_go_first(weights, importance):
    kernels = kernel_shapes(weights)
    idle = {name: values.copy() for name, values in importance.items()}
    idle["expanded_conv_14.expand"][100:164] = 0
    goal = network_instructions(kernels, SIZE, "pi4") - 1000
    kept = channels_for(kernels, idle, SIZE, "pi4", goal)
    assert kept.keys() == {"expanded_conv_14.expand"}
    assert set(range(960)) - set(kept["expanded_conv_14.expand"].tolist()) <= set(range(100, 164))


def test_nothing_goes_where_the_goal_is_kept(weights, importance):
    assert channels_for(kernel_shapes(weights), importance, SIZE, "pi5", 1e12) == {}


def test_goal_below_the_narrowest_network_is_refused(weights, importance):
    with pytest.raises(TrainingError, match="take a smaller --size"):
        channels_for(kernel_shapes(weights), importance, SIZE, "pi4", 1e6)
