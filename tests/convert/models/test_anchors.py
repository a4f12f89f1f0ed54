import numpy as np
import pytest

from convert.models.anchors import AnchorLayout, layout_of, sides_alike, ssd_anchors
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


def test_layout_of_scale_two_doubles_the_sides_and_moves_no_centre():
    usual, larger = AnchorLayout(160).anchors(), AnchorLayout(160, 2.0).anchors()
    np.testing.assert_array_equal(larger[:, :2], usual[:, :2])
    np.testing.assert_allclose(larger[:, 2:], 2 * usual[:, 2:], rtol=1e-6)


def test_layout_says_in_which_input_the_usual_anchors_have_as_many_pixels():
    assert AnchorLayout(160, 1.875).pixels == 300


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.875])
def test_layout_is_known_by_its_anchors(scale):
    layout = AnchorLayout(160, scale)
    found = layout_of(layout.anchors(), 160)
    assert found is not None
    assert found.size == 160
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert (found.scale == 1) == (scale == 1)


def test_anchors_of_another_formula_have_no_layout():
    anchors = AnchorLayout(160).anchors()
    assert layout_of(anchors[:-1], 160) is None
    anchors[40, 3] *= 1.01
    assert layout_of(anchors, 160) is None


@pytest.mark.parametrize(
    ("size", "alike"), [(300, (300, 300)), (236, (236, 236)), (224, (204, 236)), (320, (300, 332))]
)
def test_sides_halved_as_the_published_one_are_32_apart(size, alike):
    assert sides_alike(size) == alike
