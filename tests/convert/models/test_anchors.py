import numpy as np

from convert.models.anchors import ssd_anchors
from convert.models.tfjs_weights import read_graph_model


def test_first_anchor_is_a_square_of_a_tenth_in_the_first_cell():
    assert np.allclose(ssd_anchors()[0], (0.5 / 19, 0.5 / 19, 0.1, 0.1))


def test_each_level_has_its_count_of_anchors():
    assert len(ssd_anchors()) == 19 * 19 * 3 + (100 + 25 + 9 + 4 + 1) * 6 == 1917


def test_last_anchor_is_the_geometric_mean_of_the_last_scale_and_one():
    side = np.sqrt(0.95 * 1.0)
    assert np.allclose(ssd_anchors()[-1], (0.5, 0.5, side, side))


def test_anchors_equal_the_published_tensor(weights_dir):
    published = read_graph_model(weights_dir)["Postprocessor/ExpandDims"][0]  # corners
    anchors = ssd_anchors().astype(np.float64)
    low, high = anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2
    assert np.abs(np.concatenate((low, high), axis=1) - published).max() <= 1e-6
