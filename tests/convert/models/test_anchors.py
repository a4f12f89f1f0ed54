import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.models.anchors import (
    AnchorLayout,
    _sights,
    cell_centres,
    layout_of,
    sides_alike,
    ssd_anchors,
)
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


def test_published_input_has_the_published_centres():
    middles = [(np.arange(cells) + 0.5) / cells for cells in (19, 10, 5, 3, 2, 1)]
    for found, middle in zip(cell_centres(300), middles, strict=True):
        assert found == pytest.approx(middle)
    np.testing.assert_array_equal(AnchorLayout(300).anchors(), ssd_anchors())


def test_centres_of_an_input_of_268_by_hand():
    # Of 300 pixels the third map's cells look at 64 i + 43.5, for its middles 60 i + 30: 21.5
    # farther right than those on the mean, and 20 pixels more from one side to the other. Of 268
    # pixels (9 cells below it, an odd number) they look at 64 i + 11.5.
    finest, _, third, *_, last = cell_centres(268)
    assert third * 268 == pytest.approx([64 * i + 11.5 - 21.5 - 20 * (i - 2) / 5 for i in range(5)])
    # The finest: 16 i + 11.5 for 300 / 19 (i + 0.5); 17 cells of 268.
    assert finest[8] * 268 == pytest.approx(16 * 8 + 11.5 - 5.5)
    assert len(last) == 1


def test_map_that_would_move_too_far_keeps_equal_cells():
    # The only cell of the last map of 140 pixels has learnt to find things 10 pixels left of it.
    assert [list(item) for item in cell_centres(140)[-2:]] == [[0.5], [0.5]]


@given(st.integers(64, 640))
def test_centres_lie_in_the_input_and_about_its_middle(size):
    for centres in cell_centres(size):
        assert (np.diff(centres) > 0).all()
        assert abs(centres.mean() - 0.5) <= 0.1 + 1e-9


@pytest.mark.parametrize("size", [300, 268, 224, 160, 97])
def test_cells_look_where_strided_convolutions_put_them(size):
    # A ramp, each pixel its own place, through the same means of three that the network's strides
    # are: away from the edges a cell says where it looks.
    import tensorflow as tf

    ramp = tf.reshape(tf.range(size, dtype=tf.float32) + 0.5, (1, size, 1))
    for stride in [2, 4, 8, 16, 32, 64]:
        ramp = tf.nn.conv1d(ramp, tf.ones((3, 1, 1)) / 3, 2, "SAME")
        if stride >= 16:
            sight = _sights(size)[int(np.log2(stride)) - 4]
            assert sight.cells == ramp.shape[1]
            middle = slice(1, -1)
            assert sight.pixels[middle] == pytest.approx(ramp.numpy()[0, middle, 0], rel=1e-4)


@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.875])
def test_layout_is_known_by_its_anchors(scale, even):
    layout = AnchorLayout(160, scale, even)
    found = layout_of(layout.anchors(), 160)
    assert found is not None
    assert (found.size, found.even) == (160, even)
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
