from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.inspection import tflite_metadata as module
from device.inspection.tflite_file import read_facts
from device.inspection.tflite_metadata import ModelMetadata, read_metadata
from tests.helpers.tiny_models import metadata, with_files


@pytest.fixture
def bare(tmp_path):
    (tmp_path / "bare.tflite").write_bytes(b"model")
    return tmp_path / "bare.tflite"


def test_model_without_metadata_says_nothing(bare):
    assert read_metadata(bare, b"") == ModelMetadata()


def test_normalisation_size_and_names_are_read(bare):
    found = read_metadata(
        bare,
        metadata(
            mean=(123.675, 116.28, 103.53),
            std=(58.395, 57.12, 57.375),
            size_wh=(320, 256),
            outputs=("location", "category"),
        ),
    )
    assert found.complaint == ""
    assert found.mean == pytest.approx((123.675, 116.28, 103.53))
    assert found.std == pytest.approx((58.395, 57.12, 57.375))
    assert found.size_wh == (320, 256)
    assert found.outputs == ("location", "category")


@pytest.mark.parametrize(
    ("index", "kind", "corners"),
    [
        ((1, 0, 3, 2), 1, "yxyx"),
        ((0, 1, 2, 3), 1, "xyxy"),
        ((), 1, "xyxy"),  # the schema's default is left, top, right, bottom
        ((0, 2, 1, 3), 1, None),
        ((0, 1, 2, 3), 3, None),  # centre and size
    ],
)
def test_order_of_corners_is_read(bare, index, kind, corners):
    described = metadata(outputs=("location",), box_index=index, box_type=kind)
    assert read_metadata(bare, described).corners == corners


def test_label_file_that_is_named_is_taken(tmp_path):
    path = with_files(tmp_path / "m", {"other.txt": "x\n", "labels.txt": "cat\ndog\n"})
    described = metadata(outputs=("score",), label_file="labels.txt")
    found = read_metadata(path, described)
    assert (found.label_file, found.labels) == ("labels.txt", "cat\ndog\n")


@pytest.mark.parametrize("kind", [0, 1, 5])
def test_file_of_another_kind_holds_no_labels(tmp_path, kind):
    path = with_files(tmp_path / "m", {"words.txt": "x\n", "more.txt": "y\n"})
    described = metadata(outputs=("score",), label_file="words.txt", label_kind=kind)
    assert read_metadata(path, described).labels == ""


@pytest.mark.parametrize(("locale", "taken"), [("en", True), ("en-US", True), ("de", False)])
def test_labels_in_english_are_taken(tmp_path, locale, taken):
    path = with_files(tmp_path / "m", {"labels.txt": "cat\n", "more.txt": "y\n"})
    described = metadata(outputs=("score",), label_file="labels.txt", locale=locale)
    assert bool(read_metadata(path, described).labels) is taken


def test_only_text_file_holds_the_labels_where_nothing_names_one(tmp_path):
    path = with_files(tmp_path / "m", {"labelmap.txt": "cat\n", "readme.md": "hello"})
    assert read_metadata(path, b"").labels == "cat\n"
    path = with_files(tmp_path / "m", {"a.txt": "cat\n", "b.txt": "dog\n"})
    assert read_metadata(path, b"").labels == ""


def test_label_file_that_would_fill_the_memory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_LABELS_BYTES", 1000)
    path = with_files(tmp_path / "m", {"labels.txt": "x" * 1001})
    found = read_metadata(path, b"")
    assert found.labels == ""
    assert "too large" in found.complaint


def test_damaged_archive_is_a_complaint(tmp_path):
    path = with_files(tmp_path / "m", {"labels.txt": "cat\ndog\n" * 50})
    data = bytearray(path.read_bytes())
    data[540:550] = b"\xff" * 10
    path.write_bytes(data)
    found = read_metadata(path, metadata(mean=(0.0,), std=(1.0,)))
    assert found == ModelMetadata(complaint=found.complaint)
    assert "cannot be read" in found.complaint


WHOLE = metadata(
    mean=(1.0, 2.0, 3.0), std=(4.0,), size_wh=(9, 9), outputs=("a", "b"), label_file="labels.txt"
)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=10),
    st.integers(1, len(WHOLE)),
)
def test_any_damage_is_read_or_a_complaint(tmp_path_factory, edits, length):
    data = bytearray(WHOLE)
    for position, byte in edits:
        data[position] = byte
    path = tmp_path_factory.getbasetemp() / "bare.tflite"
    path.write_bytes(b"model")
    found = read_metadata(path, bytes(data[:length]))
    assert not found.complaint or found == ModelMetadata(complaint=found.complaint)


@pytest.mark.parametrize(
    ("name", "labels"),
    [("1.0_224_quant", "imagenet_labels.txt"), ("inat_bird_quant", "inat_bird_labels.txt")],
)
def test_metadata_of_real_models_is_read(shared_data, name, labels):
    path = shared_data / "models" / f"coral_mobilenet_v2_{name}.tflite"
    found = read_metadata(path, read_facts(path).metadata)
    assert found.complaint == ""
    assert (found.mean, found.std) == ((127.5,), (127.5,))
    assert found.outputs == ("probability",)
    beside = "coral_imagenet_labels.txt" if "image" in labels else "coral_inat_bird_labels.txt"
    assert found.labels.splitlines() == (path.parent / beside).read_text().splitlines()
