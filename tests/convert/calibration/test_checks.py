"""Each finding of the calibration lint: a case that has it, and one like it that has not."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convert.calibration.checks import FEW, SAME_BITS, lint_calibration, lint_count, linted_images
from convert.calibration.image_stats import image_stats, tensor_stats, warmth
from convert.calibration.images import calibration_images
from convert.errors import CalibrationError
from device.bundle.manifest import InputRule
from device.image_hash import difference_hash
from device.images import list_images, read_image

RULE = InputRule(width=60, height=60, mean=127.5, std=127.5)
SIZE_WH = (80, 64)


def scene(seed: int) -> np.ndarray:
    """Soft blobs of colour over the full range, uint8 (64, 80, 3); another for each seed."""
    blobs = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)
    pixels = cv2.resize(blobs, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(pixels, None, 0, 255, cv2.NORM_MINMAX)


def tensor_of(pixels: np.ndarray) -> np.ndarray:
    resized = cv2.resize(pixels, (RULE.width, RULE.height))[None].astype(np.float32)
    return (resized - RULE.mean) / np.float32(RULE.std)


def looks_of(images):
    return [
        tensor_stats(f"{number}.png", tensor_of(pixels), RULE)
        for number, pixels in enumerate(images)
    ]


def lint_tensors(tensors, rule):
    return lint_calibration([tensor_stats(name, item, rule) for name, item in tensors.items()])


def codes(findings):
    return {finding.code: finding.severity for finding in findings}


def lint_images(images):
    return lint_calibration(looks_of(images))


@pytest.fixture
def good():
    return [scene(seed) for seed in range(10)]


def test_good_pictures_have_no_findings(good):
    assert lint_images(good) == []


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda tensor: tensor.astype(np.float64), "dtype"),
        (lambda tensor: (tensor * 127.5 + 127.5).astype(np.uint8), "dtype"),
        (lambda tensor: tensor[0], "shape"),
        (lambda tensor: tensor[:, ::2], "shape"),
        (lambda tensor: tensor.transpose(0, 3, 1, 2), "shape"),
        (lambda tensor: np.where(tensor > 0.99, np.float32(np.nan), tensor), "not-finite"),
        (lambda tensor: np.where(tensor > 0.99, np.float32(np.inf), tensor), "not-finite"),
        (lambda tensor: np.where(tensor < -0.99, np.float32(-np.inf), tensor), "not-finite"),
        (lambda tensor: tensor * np.float32(127.5) + np.float32(127.5), "range"),
        (lambda tensor: tensor + np.float32(0.01), "range"),
    ],
)
def test_unusable_tensor_is_an_error_with_its_name(good, spoil, code):
    tensors = {f"{number}": tensor_of(pixels) for number, pixels in enumerate(good)}
    assert lint_tensors(tensors, RULE) == []
    tensors["7"] = spoil(tensors["7"])
    (finding,) = lint_tensors(tensors, RULE)
    assert (finding.code, finding.severity) == (code, "error")
    assert "1 of 10" in finding.message
    assert "(7)" in finding.message


def test_every_kind_of_unusable_tensor_is_told():
    tensors = {"a": np.zeros((1, 60, 60, 3), np.uint8), "b": np.full((1, 60, 60, 3), np.float32(9))}
    assert codes(lint_tensors(tensors, RULE)) == {"dtype": "error", "range": "error"}


def test_range_is_the_rules():
    rule = InputRule(width=60, height=60, mean=0, std=255)
    tensors = {str(seed): (tensor_of(scene(seed)) + 1) / 2 for seed in range(8)}
    assert lint_tensors(tensors, rule) == []
    assert codes(lint_tensors({"x": tensor_of(scene(0))}, rule)) == {"range": "error"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, {"none": "error"}),
        (1, {"single": "warning"}),
        (2, {"few": "warning"}),
        (5, {"few": "warning"}),
        (FEW - 1, {"few": "warning"}),
        (FEW, {}),
        (100, {}),
    ],
)
def test_count(count, expected):
    findings = lint_count(count)
    assert codes(findings) == expected
    assert all(str(count) in finding.message or count == 0 for finding in findings)


def test_flat_picture_is_a_warning_with_its_name(good):
    (finding,) = lint_images([*good, np.full_like(good[0], 90)])
    assert (finding.code, finding.severity) == ("flat", "warning")
    assert "1 of 11" in finding.message
    assert "10.png" in finding.message


def test_flat_pictures_are_not_called_dim_grey_or_repeated_as_well(good):
    assert codes(lint_images(good[:7] + [np.full_like(good[0], 90)] * 8)) == {"flat": "warning"}


def test_all_flat_is_an_error_even_with_a_sensors_noise():
    rng = np.random.default_rng(0)
    lens_cap = [rng.integers(3, 9, (64, 80, 3), np.uint8) for _ in range(9)]
    assert codes(lint_images(lens_cap)) == {"flat": "error"}


def test_all_the_same_is_an_error_two_kinds_are_not(good):
    assert codes(lint_images([good[0]] * 9)) == {"same": "error"}
    assert codes(lint_images([good[0]] * 8 + [good[1]])) == {"near-duplicates": "warning"}


def test_one_picture_is_not_all_the_same(good):
    assert codes(lint_images(good[:1])) == {"single": "warning"}


def test_near_duplicates_are_told_above_their_share_only(good):
    again = [cv2.imdecode(cv2.imencode(".jpg", one, [1, 60])[1], 1) for one in good]
    (finding,) = lint_images(good + again)
    assert (finding.code, finding.severity) == ("near-duplicates", "warning")
    assert "10 of 20" in finding.message
    assert "10 are unlike" in finding.message
    assert lint_images(good + again[:4]) == []


def test_dim_pictures_such_as_12_bits_in_16(good):
    dim = [one // 16 for one in good]
    (finding,) = lint_images(dim)
    assert (finding.code, finding.severity) == ("dim", "warning")
    assert "10 of 10" in finding.message
    assert lint_images([*good, dim[0]]) == []
    assert lint_images([one // 3 for one in good]) == []  # merely dark


def test_grey_pictures_are_told_when_they_are_most(good):
    grey = [cv2.merge([one[..., 0]] * 3) for one in good]
    (finding,) = lint_images(grey[:6] + good[6:])
    assert (finding.code, finding.severity) == ("grey", "warning")
    assert "6 of 10" in finding.message
    assert lint_images(grey[:5] + good[5:]) == []


def leaves_and_skin(seed: int) -> np.ndarray:
    """A scene in the hues of foliage and skin, uint8 (64, 80, 3) RGB."""
    share = scene(seed)[..., :1] / 255
    leaf, skin = np.array([90, 140, 30]), np.array([230, 170, 130])
    return (share * leaf + (1 - share) * skin).astype(np.uint8)


def test_swapped_channels_are_suspected_in_20_pictures_or_more():
    right = [leaves_and_skin(seed) for seed in range(20)]
    swapped = [np.ascontiguousarray(one[..., ::-1]) for one in right]
    assert lint_images(right) == []
    (finding,) = lint_images(swapped)
    assert (finding.code, finding.severity) == ("channel-order", "warning")
    assert "20 coloured" in finding.message
    assert lint_images(swapped[:19]) == []


def test_grey_pictures_do_not_count_for_channel_order():
    swapped = [np.ascontiguousarray(leaves_and_skin(seed)[..., ::-1]) for seed in range(19)]
    grey = [cv2.merge([scene(seed)[..., 0]] * 3) for seed in range(50, 60)]
    assert lint_images(swapped + grey) == []


@given(st.integers(0, 2**32))
def test_warmth_is_negated_by_swapping(seed):
    pixels = (scene(seed) / 255).astype(np.float32)
    swapped = np.ascontiguousarray(pixels[..., ::-1])
    assert warmth(swapped) == pytest.approx(-warmth(pixels), abs=1e-5)
    assert abs(warmth(pixels)) <= 3


def test_warmth_of_grey_is_zero():
    assert warmth(np.full((64, 64, 3), np.float32(0.4))) == 0


@given(st.integers(0, 2**32), st.floats(0.2, 1.0), st.floats(0, 0.3))
def test_hash_ignores_contrast_and_brightness(seed, gain, offset):
    pixels = (scene(seed) / 255).astype(np.float32)
    changed = np.float32(gain) * pixels + np.float32(offset)
    differing = difference_hash(pixels) ^ difference_hash(changed)
    # Less contrast only takes bits away, and only those of steps near the least that counts.
    assert differing & difference_hash(changed) == 0
    cells = cv2.cvtColor(
        cv2.resize(pixels, (9, 8), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
    )
    steps = (cells[:, 1:] - cells[:, :-1]).ravel()
    bits = [differing >> (63 - at) & 1 for at in range(64)]
    assert all(step <= 1.001e-3 / gain for step, bit in zip(steps, bits, strict=True) if bit)


@given(st.integers(0, 2**32))
def test_hash_survives_noise_but_not_mirroring(seed):
    pixels = (scene(seed) / 255).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, 0.02, pixels.shape).astype(np.float32)
    assert (difference_hash(pixels) ^ difference_hash(pixels + noise)).bit_count() <= SAME_BITS
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    assert (difference_hash(pixels) ^ difference_hash(mirrored)).bit_count() > SAME_BITS


@given(st.integers(0, 2**31), st.integers(1, 2**31))
def test_hash_tells_scenes_apart(seed, step):
    one, other = ((scene(number) / 255).astype(np.float32) for number in (seed, seed + step))
    assert (difference_hash(one) ^ difference_hash(other)).bit_count() > SAME_BITS


def write(folder, images, suffix=".png"):
    folder.mkdir()
    paths = [folder / f"{number:02}{suffix}" for number in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        assert cv2.imwrite(str(path), pixels)
    return paths


def look_at_files(paths):
    return [image_stats(path, read_image(path), RULE) for path in paths]


def test_overlap_counts_same_files_and_same_pictures(tmp_path, good):
    calibration = write(tmp_path / "calibration", good)
    evaluation = write(tmp_path / "evaluation", [scene(seed) for seed in range(100, 104)])
    (tmp_path / "copy.png").write_bytes(calibration[3].read_bytes())
    cv2.imwrite(str(tmp_path / "again.jpg"), good[5])
    looks = look_at_files(calibration)
    assert lint_calibration(looks, look_at_files(evaluation)) == []
    both = [*evaluation, tmp_path / "copy.png", tmp_path / "again.jpg"]
    (finding,) = lint_calibration(looks, look_at_files(both))
    assert (finding.code, finding.severity) == ("overlap", "warning")
    assert "2 of 10" in finding.message
    assert "03.png, 05.png; 1 the same file, 1 look the same" in finding.message


def test_overlap_compares_files_of_one_size_by_content(tmp_path, good):
    looks = look_at_files(write(tmp_path / "calibration", good, ".bmp"))
    others = [scene(seed) for seed in range(100, 104)]
    evaluation = look_at_files(write(tmp_path / "evaluation", others, ".bmp"))
    assert len({look.path.stat().st_size for look in looks + evaluation}) == 1
    assert lint_calibration(looks, evaluation) == []


def test_overlap_works_on_tensors_too_but_not_on_flat_ones(good):
    looks = looks_of(good)
    assert codes(lint_calibration(looks, looks[:2])) == {"overlap": "warning"}
    flat = np.full_like(good[0], 90)
    fading = np.tile(np.linspace(255, 0, 80).astype(np.uint8)[:, None], (64, 1, 3))
    assert looks_of([flat])[0].hash == looks_of([fading])[0].hash == 0
    for one, other in ((flat, fading), (fading, flat), (flat, flat)):
        assert "overlap" not in codes(lint_calibration(looks_of([*good, one]), looks_of([other])))


def test_pictures_to_be_evaluated_on_are_told_before_the_slow_part(tmp_path, good):
    calibration = write(tmp_path / "calibration", good)
    evaluation = write(tmp_path / "evaluation", [scene(seed) for seed in range(100, 104)])
    (tmp_path / "evaluation" / "copy.png").write_bytes(calibration[3].read_bytes())
    (tmp_path / "evaluation" / "text.jpg").write_text("not a picture")
    said = []
    folders = tmp_path / "calibration", tmp_path / "evaluation"
    linted_images(folders[0], 100, 0, RULE, said.append, evaluation=folders[1])
    assert len(said) == 1
    assert said[0].startswith("warning: 1 of 10 calibration pictures are evaluated on too")
    with pytest.raises(CalibrationError, match=r"--evaluation .*: no such folder"):
        linted_images(folders[0], 100, 0, RULE, pytest.fail, evaluation=evaluation[0])


def as_pillow(pixels):
    return Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))


ALPHA = np.tile(np.arange(80, dtype=np.uint8), (64, 1))[..., None]
USABLE = {
    "rgba.png": lambda path, bgr: cv2.imwrite(path, np.dstack([bgr, ALPHA])),
    "rgba.tif": lambda path, bgr: cv2.imwrite(path, np.dstack([bgr, ALPHA])),
    "16bit.png": lambda path, bgr: cv2.imwrite(path, bgr.astype(np.uint16) * 257),
    "16bit.tif": lambda path, bgr: cv2.imwrite(path, bgr.astype(np.uint16) * 257),
    "rgba16bit.png": lambda path, bgr: cv2.imwrite(
        path, np.dstack([bgr, ALPHA]).astype(np.uint16) * 257
    ),
    "large.png": lambda path, bgr: cv2.imwrite(path, cv2.resize(bgr, (800, 640))),
    "cmyk.jpg": lambda path, bgr: as_pillow(bgr).convert("CMYK").save(path, quality=95),
    "cmyk.tif": lambda path, bgr: as_pillow(bgr).convert("CMYK").save(path),
    "grey.jpg": lambda path, bgr: cv2.imwrite(path, bgr[..., 0]),
    "grey.png": lambda path, bgr: cv2.imwrite(path, bgr[..., 0]),
    "grey16bit.png": lambda path, bgr: cv2.imwrite(path, bgr[..., 0].astype(np.uint16) * 257),
    "grey16bit.tif": lambda path, bgr: cv2.imwrite(path, bgr[..., 0].astype(np.uint16) * 257),
    "grey_alpha.png": lambda path, bgr: (
        as_pillow(bgr[..., :1].repeat(3, axis=2)).convert("LA").save(path)
    ),
}


@pytest.mark.parametrize("name", USABLE)
def test_unusual_pictures_come_out_as_the_usual_ones(tmp_path, name):
    bgr = scene(3)
    USABLE[name](str(tmp_path / name), bgr)
    pixels = read_image(tmp_path / name)
    expected = cv2.merge([bgr[..., 0]] * 3) if "grey" in name else bgr
    pixels = cv2.resize(pixels, SIZE_WH, interpolation=cv2.INTER_AREA)
    assert np.abs(pixels.astype(int) - expected).mean() < 3
    look = image_stats(tmp_path / name, pixels, RULE)
    assert look.problem is None
    assert look.grey == ("grey" in name)


def test_pictures_that_cannot_be_used_are_named_and_counted(tmp_path, good):
    folder = tmp_path / "pictures"
    write(folder, good)
    Image.fromarray(good[0][..., 0].astype(np.int32) * 65536).save(folder / "32bit.tif")
    cv2.imwrite(str(folder / "float.tif"), good[0] / 255)  # float64
    cv2.imwrite(str(folder / "icon.png"), good[0][:8, :8])
    (folder / "text.jpg").write_text("not a picture")
    said = []
    assert len(linted_images(folder, 100, 0, RULE, said.append)) == 10
    skips = [line for line in said if line.startswith("skipped: ")]
    assert {re.search(r"(\w+\.\w+): ", line[9:])[1] for line in skips} == {
        "32bit.tif",
        "float.tif",
        "icon.png",
        "text.jpg",
    }
    (warning,) = [line for line in said if line not in skips]
    assert warning.startswith("warning: 4 of 14 pictures were passed over")


def test_five_pictures_are_a_counted_warning(tmp_path, good):
    said = []
    paths = write(tmp_path / "five", good[:5])
    assert sorted(linted_images(tmp_path / "five", 100, 0, RULE, said.append)) == paths
    assert len(said) == 1
    assert said[0].startswith("warning: 5 calibration pictures are few")


def test_pictures_that_would_make_garbage_are_an_error_in_one_line(tmp_path, good):
    write(tmp_path / "same", [good[0]] * 5)
    said = []
    with pytest.raises(CalibrationError, match="all 5 calibration pictures are the same") as caught:
        linted_images(tmp_path / "same", 100, 0, RULE, said.append)
    assert "\n" not in str(caught.value)
    assert len(said) == 1  # and few they are


def test_chosen_pictures_are_those_of_calibration_each_decoded_once(tmp_path, good, monkeypatch):
    write(tmp_path / "pictures", good)
    chosen = calibration_images(tmp_path / "pictures", 8, 4, pytest.fail)
    decoded = []

    def counting(path):
        decoded.append(path)
        return read_image(path)

    monkeypatch.setattr("convert.calibration.images.read_image", counting)
    assert linted_images(tmp_path / "pictures", 8, 4, RULE, pytest.fail) == chosen
    assert decoded == chosen


def test_default_photographs_have_no_findings_and_are_not_decoded(monkeypatch):
    paths = calibration_images(None, 100, 0, pytest.fail)
    assert lint_calibration(look_at_files(paths)) == []
    monkeypatch.setattr("convert.calibration.images.read_image", pytest.fail)
    assert linted_images(None, 100, 0, RULE, pytest.fail) == paths
    said = []
    linted_images(None, 1, 0, RULE, said.append)
    assert len(said) == 1
    assert said[0].startswith("warning: 1 calibration picture")


@pytest.fixture(scope="module")
def photographs(shared_data):
    """Looks at 317 real photographs, as they are and with red and blue swapped."""
    paths = (
        list_images(shared_data / "imagenet200")
        + list_images(shared_data / "coco_val" / "images")[::3]
    )
    right, swapped = [], []
    for path in paths:
        pixels = read_image(path)
        right.append(image_stats(path, pixels, RULE))
        mirrored = np.ascontiguousarray(pixels[..., ::-1])
        swapped.append(image_stats(path, mirrored, RULE))
    return right, swapped


def test_real_photographs_have_no_findings(photographs):
    assert len(photographs[0]) > 300
    assert lint_calibration(photographs[0]) == []


def test_channel_order_false_alarms_and_detections_on_real_photographs(photographs):
    rng = np.random.default_rng(0)
    draws = [rng.choice(len(photographs[0]), 24, replace=False) for _ in range(1000)]
    alarms = [
        sum(
            "channel-order" in codes(lint_calibration([looks[number] for number in draw]))
            for draw in draws
        )
        for looks in photographs
    ]
    assert alarms[0] < 10  # under 1 %
    assert alarms[1] > 950
