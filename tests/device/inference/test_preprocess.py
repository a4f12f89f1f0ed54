from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.inference.preprocess import Placement, Preprocessor, byte_table, letterbox

SYMMETRIC = InputRule(width=8, height=6, mean=127.5, std=127.5)  # -1..1
BYTES = InputRule(width=8, height=6, mean=0.0, std=1.0)  # the byte itself
IMAGENET = InputRule(width=8, height=6, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
UNIT = InputRule(width=8, height=6, mean=0.0, std=255.0)  # 0..1
AS_STORED = float(np.float32(1 / 127.5))  # what a scale loses by being stored as float32


def spec(dtype: str, scale: float = 0.0, zero_point: int = 0) -> TensorSpec:
    return TensorSpec(
        position=0, shape=(1, 6, 8, 3), dtype=dtype, scale=scale, zero_point=zero_point
    )


@pytest.mark.parametrize("scale", [1 / 127.5, AS_STORED, np.nextafter(AS_STORED, 1)])
def test_symmetric_uint8_table_is_the_byte_itself(scale):
    # (byte - 127.5) / 127.5 / scale = byte - 127.5, half up: byte - 127, plus 127.
    table = byte_table(SYMMETRIC, spec("uint8", float(scale), 127))
    assert table.dtype == np.uint8
    assert table.tolist() == list(range(256))


def test_symmetric_int8_table_keeps_all_256_values():
    table = byte_table(SYMMETRIC, spec("int8", AS_STORED, -1))
    assert table.dtype == np.int8
    assert table.tolist() == list(range(-128, 128))


@pytest.mark.parametrize(
    ("rule", "tensor", "byte", "expected"),
    [
        (UNIT, spec("uint8", 1 / 255), 77, 77),
        (UNIT, spec("int8", 1 / 255, -128), 0, -128),
        (UNIT, spec("int8", 1 / 255, -128), 255, 127),
        # 51 / 255 = 0.2, / 0.015 = 13.33, rounds to 13, plus 3
        (UNIT, spec("uint8", 0.015, 3), 51, 16),
        # 1.0 / 0.002 = 500, saturates
        (UNIT, spec("uint8", 0.002), 255, 255),
        (SYMMETRIC, spec("int8", 0.002), 0, -128),
        # 255 - 127.5 = 127.5, / 127.5 = 1, / 0.5 = 2, plus 100
        (SYMMETRIC, spec("int16", 0.5, 100), 255, 102),
    ],
)
def test_integer_table_by_hand(rule, tensor, byte, expected):
    assert byte_table(rule, tensor)[byte] == expected


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_float_table_holds_the_normalised_value(dtype):
    table = byte_table(SYMMETRIC, spec(dtype))
    assert table.dtype == dtype
    assert (table[0], table[255]) == (-1.0, 1.0)
    assert table[51] == np.dtype(dtype).type(-0.6)


def test_channels_that_differ_get_a_column_each():
    table = byte_table(IMAGENET, spec("float32"))
    assert table.shape == (256, 3)
    # (255 - 123.675) / 58.395, (255 - 116.28) / 57.12, (255 - 103.53) / 57.375
    assert table[255] == pytest.approx([2.2489, 2.4286, 2.6400], abs=1e-4)


def test_integers_without_a_scale_hold_the_value_itself():
    assert byte_table(BYTES, spec("uint8")).tolist() == list(range(256))


@settings(max_examples=100)
@given(
    st.floats(0, 255),
    st.floats(0.5, 300),
    st.floats(1e-3, 0.5),
    st.integers(-128, 127),
)
def test_integer_table_dequantises_to_within_half_a_step(mean, std, scale, zero_point):
    rule = InputRule(width=8, height=6, mean=mean, std=std)
    table = byte_table(rule, spec("int8", scale, zero_point)).astype(float)
    assert (np.diff(table) >= 0).all()
    real = (np.arange(256) - mean) / std
    error = np.abs((table - zero_point) * scale - real)
    unsaturated = (table > -128) & (table < 127)
    assert (error[unsaturated] <= scale * (0.5 + 2e-4)).all()


@pytest.mark.parametrize(
    ("rule", "tensor"),
    [
        (SYMMETRIC, spec("uint8", AS_STORED, 127)),  # the table is skipped
        (UNIT, spec("uint8", 0.015, 3)),
        (SYMMETRIC, spec("int8", AS_STORED, -1)),
        (SYMMETRIC, spec("float32")),
        (BYTES, spec("float32")),  # values like bytes, but not bytes
        (BYTES, spec("uint8", 1.0)),
    ],
)
def test_tensor_gets_every_pixel_through_the_table_red_first(noise, rule, tensor):
    pixels = np.ascontiguousarray(noise[:6, :8])  # of the input's size: nothing is resized
    target = np.full(tensor.shape, 99, tensor.dtype)
    Preprocessor(rule, tensor)(pixels, target)
    assert np.array_equal(target[0], byte_table(rule, tensor)[pixels[..., ::-1]])


@pytest.mark.parametrize(
    "tensor",
    [
        spec("uint8", 1.0),  # the table is skipped
        spec("int8", 0.0187, -14),
        spec("float32"),
        spec("float16"),
    ],
)
@pytest.mark.parametrize("rule", [BYTES, UNIT, IMAGENET])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_layout_and_channels_are_as_the_rule_says(noise, rule, tensor, layout):
    rule = msgspec.structs.replace(rule, layout=layout)
    pixels = np.ascontiguousarray(noise[:6, :8])
    target = np.zeros(rule.shape, tensor.dtype)
    Preprocessor(rule, tensor)(pixels, target)
    table = np.broadcast_to(byte_table(rule, tensor).T, (3, 256))
    for channel in range(3):
        plane = target[0, channel] if layout == "nchw" else target[0, ..., channel]
        assert np.array_equal(plane, table[channel][pixels[..., 2 - channel]])


def test_frame_is_resized_bilinearly_and_left_as_it_was(noise):
    before = noise.copy()
    target = np.zeros((1, 6, 8, 3), np.uint8)
    placement = Preprocessor(BYTES, spec("uint8", 1.0))(noise, target)
    expected = cv2.resize(noise, (8, 6), interpolation=cv2.INTER_LINEAR)[..., ::-1]
    assert np.array_equal(target[0], expected)
    assert np.array_equal(noise, before)
    assert placement == Placement(0, 0, 64, 48, 64, 48)


def test_frames_of_changing_size_leave_no_trace(noise):
    preprocess, target = Preprocessor(BYTES, spec("uint8", 1.0)), np.zeros((1, 6, 8, 3), np.uint8)
    preprocess(noise, target)
    preprocess(np.full((20, 10, 3), 7, np.uint8), target)
    assert (target == 7).all()


def test_boxes_go_back_by_each_axis_own_scale():
    placement = Placement.of(InputRule(width=300, height=300, mean=0, std=1), (600, 150))
    boxes = np.array([[0.125, 0.25, 0.5, 1]], np.float32)
    assert placement.to_source(boxes).tolist() == [[75, 37.5, 300, 150]]


def test_boxes_are_clipped_to_the_frame():
    placement = Placement.of(InputRule(width=100, height=100, mean=0, std=1), (200, 50))
    boxes = np.array([[-0.1, -0.1, 1.1, 1.1], [1.25, 0.25, 1.5, 0.5]], np.float32)
    assert placement.to_source(boxes).tolist() == [[0, 0, 200, 50], [200, 12.5, 200, 25]]


def test_no_boxes_stay_no_boxes():
    placement = Placement(0, 0, 10, 10, 10, 10)
    assert placement.to_source(np.empty((0, 4), np.float32)).shape == (0, 4)


def crop(width: int, height: int, fraction: float = 1.0) -> InputRule:
    return InputRule(
        width=width, height=height, mean=0, std=1, resize="centre-crop", crop_fraction=fraction
    )


@pytest.mark.parametrize(
    ("rule", "source_wh", "expected"),
    [
        # 640x480 to a square: 480 of 640 columns, 80 left out on each side
        (crop(240, 240), (640, 480), Placement(80, 0, 480, 480, 640, 480)),
        (crop(240, 240), (480, 640), Placement(0, 80, 480, 480, 480, 640)),
        # of these 480, the middle half
        (crop(240, 240, 0.5), (640, 480), Placement(200, 120, 240, 240, 640, 480)),
        (crop(200, 100), (400, 400), Placement(0, 100, 400, 200, 400, 400)),
    ],
)
def test_centre_crop_by_hand(rule, source_wh, expected):
    assert Placement.of(rule, source_wh) == expected


def test_centre_crop_shows_the_middle():
    pixels = np.zeros((6, 20, 3), np.uint8)
    pixels[:, 7:13] = 200
    target = np.zeros((1, 6, 6, 3), np.uint8)
    Preprocessor(crop(6, 6), spec("uint8", 1.0))(pixels, target)
    assert (target == 200).all()


sides = st.integers(16, 3000)


@settings(max_examples=100)
@given(
    sides,
    sides,
    st.sampled_from(["stretch", "centre-crop"]),
    st.floats(0.5, 1.0),
    st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
)
def test_box_inside_the_view_comes_back_where_it_was(width, height, resize, fraction, corners):
    rule = InputRule(width=300, height=200, mean=0, std=1, resize=resize, crop_fraction=fraction)
    placement = Placement.of(rule, (width, height))
    view = placement.view(np.empty((height, width, 3), np.uint8))
    assert min(view.shape[:2]) >= 1
    offset = np.array([placement.left, placement.top] * 2)
    box = offset + np.array(corners) * np.array([view.shape[1], view.shape[0]] * 2)
    there = np.array([corners], np.float32)
    assert placement.to_source(there)[0] == pytest.approx(box, abs=1e-3, rel=1e-5)


def boxed(width: int, height: int, **changes) -> InputRule:
    return InputRule(width=width, height=height, mean=0, std=1, resize="letterbox", **changes)


@pytest.mark.parametrize(
    ("rule", "source_wh", "expected"),
    [
        (boxed(640, 640), (640, 480), (0, 80, 640, 480)),  # as it is, 80 rows above and below
        (boxed(224, 224), (640, 480), (0, 28, 224, 168)),  # 480 * 0.35 = 168
        (boxed(224, 224), (100, 300), (74, 0, 75, 224)),  # 100 * 224 / 300 = 74.67; 149 left over
        (boxed(320, 192), (1000, 1000), (64, 0, 192, 192)),
        (boxed(640, 640), (32, 16), (0, 160, 640, 320)),  # small ones are enlarged
        (boxed(64, 64), (64, 64), (0, 0, 64, 64)),
        (boxed(64, 64), (3000, 16), (0, 31, 64, 1)),  # 0.34 of a row: one at least
    ],
)
def test_letterbox_by_hand(rule, source_wh, expected):
    assert letterbox(rule, source_wh) == expected


def test_letterboxed_picture_lies_in_grey_however_the_frames_change(noise):
    preprocess = Preprocessor(boxed(8, 6), spec("uint8", 1.0))
    target = np.zeros((1, 6, 8, 3), np.uint8)
    for size_wh, area in (((80, 20), np.s_[2:4, :]), ((20, 60), np.s_[:, 3:5])):
        pixels = cv2.resize(noise, size_wh)
        preprocess(pixels, target)
        inside = np.zeros((6, 8), bool)
        inside[area] = True
        shape = target[0][area].shape
        expected = cv2.resize(pixels, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        assert np.array_equal(target[0][area], expected[..., ::-1])
        assert (target[0][~inside] == 114).all()


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_letterbox_is_the_same_in_any_type(noise, layout):
    rule = boxed(8, 6, layout=layout)
    real = msgspec.structs.replace(rule, std=255.0)
    stored = np.zeros(rule.shape, np.uint8)
    floats = np.zeros(rule.shape, np.float32)
    Preprocessor(rule, spec("uint8", 1.0))(noise[:20], stored)
    Preprocessor(real, spec("float32"))(noise[:20], floats)
    assert floats == pytest.approx(stored / 255)


def test_boxes_of_a_letterboxed_picture_come_back_exactly():
    # 640x480 in 224x224: rows 28 to 196. A box over the lower right quarter of the picture.
    placement = Placement.of(boxed(224, 224), (640, 480))
    there = np.array([[112 / 224, 112 / 224, 1.0, 196 / 224]], np.float32)
    assert placement.to_source(there)[0] == pytest.approx([320, 240, 640, 480])


def test_boxes_in_the_grey_are_clipped_to_the_picture():
    placement = Placement.of(boxed(100, 100), (100, 50))
    there = np.array([[0, 0, 1, 1], [0, 0, 1, 0.2]], np.float32)
    assert placement.to_source(there).tolist() == [[0, 0, 100, 50], [0, 0, 100, 0]]


@settings(max_examples=200)
@given(
    sides,
    sides,
    st.integers(32, 1280),
    st.integers(32, 1280),
    st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
)
def test_letterbox_and_its_inverse_undo_each_other(width, height, wide, tall, corners):
    rule = boxed(wide, tall)
    inner = letterbox(rule, (width, height))
    assert inner.left >= 0
    assert inner.top >= 0
    assert inner.left + inner.width <= wide
    assert inner.top + inner.height <= tall
    assert inner.width == wide or inner.height == tall
    box = np.array(corners) * np.array([width, height] * 2)
    scale = np.array([inner.width / width, inner.height / height] * 2)
    there = (box * scale + np.array([inner.left, inner.top] * 2)) / np.array([wide, tall] * 2)
    back = Placement.of(rule, (width, height)).to_source(there[np.newaxis].astype(np.float32))
    # float32 holds a place in the input to some 1e-7 of it, and a row may be one pixel of it.
    assert back[0] == pytest.approx(box, abs=1e-6 * max(width, height) * max(wide, tall))


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(("dtype", "scale"), [("uint8", 1.0), ("float32", 0.0)])
def test_grey_input_has_the_luma_of_the_picture(noise, layout, dtype, scale):
    rule = InputRule(width=8, height=6, mean=0, std=1, colour="grey", layout=layout)
    assert rule.shape == ((1, 6, 8, 1) if layout == "nhwc" else (1, 1, 6, 8))
    target = np.zeros(rule.shape, dtype)
    Preprocessor(rule, spec(dtype, scale))(noise, target)
    small = cv2.resize(noise, (8, 6), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(target.reshape(6, 8), cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))


def test_grey_int8_input_is_the_byte_less_128(noise):
    rule = InputRule(width=8, height=6, mean=128, std=1, colour="grey")
    target = np.zeros(rule.shape, np.int8)
    Preprocessor(rule, spec("int8", 1.0))(noise, target)
    small = cv2.resize(noise, (8, 6), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(int)
    assert np.array_equal(target.reshape(6, 8), grey - 128)


def test_grey_input_with_a_mean_per_channel_is_refused():
    with pytest.raises(ValueError, match="one channel"):
        InputRule(width=8, height=6, mean=(1.0, 2.0, 3.0), std=1.0, colour="grey")
