from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.bundle.manifest import FORMAT, InputRule, format_manifest, parse_manifest
from device.errors import BundleError


@pytest.fixture(scope="module")
def raw(small_bundle):
    return (small_bundle / "manifest.json").read_bytes()


def changed(raw: bytes, *path: object, value: object) -> bytes:
    """The manifest with one value replaced."""
    manifest = place = json.loads(raw)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(manifest).encode()


def test_real_manifest_survives_a_round_trip(raw):
    manifest = parse_manifest(raw)
    assert parse_manifest(format_manifest(manifest)) == manifest
    assert format_manifest(manifest).endswith(b"}\n")


def test_manifest_cannot_be_changed(raw):
    with pytest.raises(AttributeError):
        parse_manifest(raw).threshold = 0.1


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["colour"], "red", "unknown field `colour`"),
        (["input", "flip"], True, r"unknown field `flip` - at `\$.input`"),
        (["decoder", "sigma"], 1, r"unknown field `sigma` - at `\$.decoder`"),
        (["input", "width"], 10**9, r"Expected `int` <= 8192 - at `\$.input.width`"),
        (["input", "width"], 2**63, r"Expected `int` <= 8192"),
        (["input"], dict.fromkeys(("width", "height"), 8192) | {"mean": 0, "std": 1}, "pixels"),
        (["max_detections"], 2**63, r"Expected `int` <= 5000"),
        (["decoder", "background"], 2**70, r"\$.decoder.background"),
        (["input", "width"], "300", r"Expected `int`, got `str` - at `\$.input.width`"),
        (["threshold"], None, r"Expected `float`, got `null` - at `\$.threshold`"),
        (["decoder", "box_scales"], [10, 10, 5], "length 4"),
        (["decoder", "box_scales"], [10, 0, 5, 5], "Expected `box_scales` 0.001"),
        (["task"], "divination", "divination"),
        (["input", "colour"], "bgr", "bgr"),
        (["variants", "int8", "input", "shape"], [1, 300.5], r"Expected `int`, got `float`"),
    ],
)
def test_parse_names_the_place_that_is_wrong(raw, path, value, said):
    with pytest.raises(BundleError, match=said) as caught:
        parse_manifest(changed(raw, *path, value=value))
    assert "\n" not in str(caught.value)
    assert "build the bundle again" in str(caught.value)


@pytest.mark.parametrize("key", ["format", "variants", "files", "provenance"])
def test_parse_rejects_missing_key(raw, key):
    manifest = json.loads(raw)
    del manifest[key]
    with pytest.raises(BundleError, match=f"missing required field `{key}`"):
        parse_manifest(json.dumps(manifest).encode())


def test_parse_rejects_future_format_before_anything_else(raw):
    future = changed(raw, "new_in_the_future", value=1)
    with pytest.raises(BundleError, match=rf"format {FORMAT + 1}.*up to {FORMAT}: update"):
        parse_manifest(changed(future, "format", value=FORMAT + 1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe{",
        b'{"format": 1, "model": "\xff"}',
        b'{"format": 1, "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"format": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "null", "list", "open", "utf-16", "not-utf-8", "deep", "huge-number"],
)
def test_parse_rejects_what_is_no_manifest(data):
    with pytest.raises(BundleError, match=r"manifest\.json"):
        parse_manifest(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=100)
@given(data=st.data(), value=json_values)
def test_any_value_in_any_place_is_accepted_or_a_bundle_error(raw, data, value):
    manifest = place = json.loads(raw)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    with contextlib.suppress(BundleError):
        parse_manifest(json.dumps(manifest).encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
    length=st.floats(0, 1),
)
def test_any_bytes_are_accepted_or_a_bundle_error(raw, edits, length):
    data = bytearray(raw)
    for position, byte in edits:
        data[int(position * len(data))] = byte
    with contextlib.suppress(BundleError):
        parse_manifest(bytes(data[: int(length * len(data))]))


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        (("input",), "width", 0),
        (("input",), "std", 0.0),
        (("input",), "std", [1.0, -1.0, 1.0]),
        (("input",), "mean", [1.0, 2.0]),
        (("input",), "crop_fraction", 2.0),
        (("decoder",), "iou_threshold", -1.0),
        ((), "threshold", 0.0),
        ((), "max_detections", 0),
        (("variants", "int8", "input"), "dtype", "foo"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(bundle_dir, place, key, value):
    raw = json.loads((bundle_dir / "manifest.json").read_text())
    inner = raw
    for step in place:
        inner = inner[step]
    assert inner[key] != value
    inner[key] = value
    with pytest.raises(BundleError, match=key):
        parse_manifest(json.dumps(raw).encode())


def test_range_of_normalised_values_is_over_all_channels():
    rule = InputRule(width=3, height=2, mean=(0, 127.5, 255), std=(255.0, 127.5, 51.0))
    assert rule.value_range == (-5.0, 1.0)
    assert InputRule(width=3, height=2, mean=0, std=255).value_range == (0.0, 1.0)


@pytest.mark.parametrize(("layout", "shape"), [("nhwc", (1, 2, 3, 3)), ("nchw", (1, 3, 2, 3))])
def test_shape_of_the_input_follows_its_layout(layout, shape):
    assert InputRule(width=3, height=2, mean=0, std=1, layout=layout).shape == shape


def test_manifest_without_variants_is_refused(bundle_dir):
    raw = json.loads((bundle_dir / "manifest.json").read_text()) | {"variants": {}}
    with pytest.raises(BundleError, match="no variants"):
        parse_manifest(json.dumps(raw).encode())


def test_task_and_decoder_must_belong_together(bundle_dir):
    raw = json.loads((bundle_dir / "manifest.json").read_text()) | {"task": "classification"}
    with pytest.raises(BundleError, match="do not belong together"):
        parse_manifest(json.dumps(raw).encode())


@pytest.fixture
def unvoted(raw):
    """The same of a bundle from before boxes were voted on."""
    return changed(raw, "decoder", "box_voting", value=False)


def test_thresholds_per_class_are_written_in_a_format_that_older_devices_refuse(unvoted):
    manifest = msgspec.structs.replace(parse_manifest(unvoted), class_thresholds={"cat": 0.25})
    written = format_manifest(manifest)
    assert json.loads(written)["format"] == 3
    assert parse_manifest(written).class_thresholds == {"cat": 0.25}


def test_one_threshold_is_written_in_the_format_that_older_devices_read(unvoted):
    written = json.loads(format_manifest(parse_manifest(unvoted)))
    assert written["format"] == 2
    assert "class_thresholds" not in written
    assert "box_voting" not in written["decoder"]


def test_boxes_that_are_voted_on_are_written_in_a_format_that_older_devices_refuse(raw):
    manifest = parse_manifest(raw)
    assert manifest.decoder.box_voting
    written = format_manifest(msgspec.structs.replace(manifest, format=2))
    assert json.loads(written)["format"] == 4
    assert parse_manifest(written) == manifest


def test_class_without_a_threshold_of_its_own_has_the_one_of_all(raw):
    manifest = parse_manifest(changed(raw, "threshold", value=0.5))
    assert manifest.thresholds(("cat", "dog")) == 0.5
    own = msgspec.structs.replace(manifest, class_thresholds={"dog": 0.2})
    assert own.thresholds(("cat", "dog", "bee")) == (0.5, 0.2, 0.5)


DENSE = {"type": "dense", "classes": 80, "box": "xywh", "units": "fraction", "iou_threshold": 0.7}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("input", "resize"), "letterbox"),
        (("input", "colour"), "grey"),
        (("decoder",), DENSE),
        (("decoder",), {"type": "rows", "units": "either"}),
    ],
)
def test_what_older_devices_do_not_know_is_written_in_a_format_they_refuse(unvoted, place, value):
    manifest = parse_manifest(changed(unvoted, *place, value=value))
    written = format_manifest(manifest)
    assert json.loads(written)["format"] == 3
    assert msgspec.structs.replace(parse_manifest(written), format=manifest.format) == manifest


def test_binary_classifier_is_written_in_the_newer_format(raw):
    classifier = {"type": "classifier", "score": "binary"}
    data = json.loads(changed(raw, "decoder", value=classifier)) | {"task": "classification"}
    assert json.loads(format_manifest(parse_manifest(json.dumps(data).encode())))["format"] == 3
