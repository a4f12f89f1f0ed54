from __future__ import annotations

import numpy as np
import pytest

from convert.compression.importance import channel_statistics
from convert.models.anchors import grid_sizes, ssd_anchors
from convert.training.batches import Batch
from tests.convert.compression.conftest import CLASSES, SIZE


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(7)
    anchors = len(ssd_anchors(grid_sizes(SIZE)))
    classes = np.full((2, anchors), -1, np.int32)
    classes[:, :5] = 1
    return Batch(
        random.integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8),
        classes,
        random.normal(0, 1, (2, anchors, 4)).astype(np.float32),
    )


def test_channel_that_nothing_reads_has_no_importance(network, batch):
    layer = network.get_layer("expanded_conv_9.project")
    kernel, bias = layer.get_weights()
    deaf = kernel.copy()
    deaf[:, :, 40] = 0
    layer.set_weights([deaf, bias])
    try:
        found = channel_statistics(network, CLASSES, [batch])
    finally:
        layer.set_weights([kernel, bias])
    values = found.importance["expanded_conv_9.expand"]
    assert values.shape == (384,)
    assert values[40] == 0
    assert (values >= 0).all()
    assert values.max() > 0


def test_means_are_those_of_what_is_read(network, batch):
    found = channel_statistics(network, CLASSES, [batch, batch])
    import keras

    name = "expanded_conv_3.depthwise.relu6"
    probe = keras.Model(network.input, network.get_layer(name).output)
    seen = probe((batch.pixels.astype(np.float32) - 127.5) / 127.5).numpy()
    expected = seen.mean(axis=(0, 1, 2))
    assert np.allclose(found.means["expanded_conv_3.project"], expected, rtol=1e-3, atol=1e-5)
