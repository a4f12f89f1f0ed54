from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.class_table import read_class_labels
from convert.errors import EvaluationError

LABELS = ("tench, Tinca tinca", "goldfish", "sea_lion", "robin")
ROWS = "a.jpg\t0\tn1\ttench\nb.jpg\t3\tn4\trobin\n"


@pytest.fixture
def read(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")

    def read(text, labels=LABELS, warn=pytest.fail):
        (tmp_path / "labels.tsv").write_text(text)
        images = read_class_labels([(tmp_path, tmp_path / "labels.tsv")], labels, warn)
        return [(image.file, image.class_id) for image in images]

    return read


@pytest.mark.parametrize("head", ["", "file\tclass_index\twnid\tname\n", "\n"])
def test_rows_are_read_with_and_without_headings(read, head):
    assert read(head + ROWS) == [("a.jpg", 0), ("b.jpg", 3)]


def test_a_background_class_moves_the_indices_by_one(read):
    assert read(ROWS, ("background", *LABELS)) == [("a.jpg", 1), ("b.jpg", 4)]


def test_indices_that_count_the_background_already_are_not_moved(read):
    text = "a.jpg\t1\tn1\ttench\nb.jpg\t4\tn4\trobin\n"
    assert read(text, ("background", *LABELS)) == [("a.jpg", 1), ("b.jpg", 4)]


def test_names_and_wnids_may_be_missing(read):
    assert read("a.jpg\t2\n") == [("a.jpg", 2)]
    assert read("a.jpg\t2\n", ("background", *LABELS)) == [("a.jpg", 3)]


def test_names_agree_whatever_their_case_and_underscores(read):
    assert read("a.jpg\t2\tn\tSea lion\n") == [("a.jpg", 2)]


def test_names_of_another_list_are_refused(read):
    with pytest.raises(EvaluationError, match="class 0 is 'oak'"):
        read("a.jpg\t0\tn\toak\n")


def test_rows_that_cannot_be_used_are_named(read):
    said = []
    text = ROWS + "c.jpg\t1\tn\tgoldfish\na.jpg\t1\nb2.jpg\tx\nd.jpg\t9\n"
    assert read(text, warn=said.append) == [("a.jpg", 0), ("b.jpg", 3)]
    assert said[0].endswith(
        ": 3: line 4 (a.jpg again), line 5 (no class index), d.jpg (class 9 of 4)"
    )
    assert said[1].endswith(": 1: c.jpg")


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "d/" * 5000, "a\0.jpg"])
def test_names_that_no_file_can_have_are_missing_pictures(read, name):
    said = []
    assert read(f"{ROWS}{name}\t1\n", warn=said.append) == [("a.jpg", 0), ("b.jpg", 3)]
    assert "pictures that are not in" in said[0]


def test_no_picture_at_all_is_an_error(read):
    with pytest.raises(EvaluationError, match="check --images"):
        read("c.jpg\t0\tn\ttench\n", warn=lambda _: None)


def test_boxes_are_refused(tmp_path):
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(EvaluationError, match="has boxes"):
        read_class_labels([(tmp_path, tmp_path / "truth.json")], LABELS, pytest.fail)


def test_shared_labels_are_those_of_imagenet_with_and_without_background(shared_data):
    folder = shared_data / "imagenet200"
    text = (shared_data / "models" / "coral_imagenet_labels.txt").read_text()
    labels = tuple(text.splitlines())
    for own, first in ((labels, 1), (labels[1:], 0)):
        images = read_class_labels([(folder, folder / "labels.tsv")], own, pytest.fail)
        assert len(images) == 200
        assert (images[0].file, images[0].class_id) == ("000_n01440764.jpg", first)


@given(
    st.lists(st.sampled_from(["\t", "a.jpg", "0", "tench", "\n", "9" * 30, "\0", "/", "é"]))
    .map("".join)
    .map(str.encode)
    | st.binary(max_size=30).map(lambda data: b"a.jpg\t" + data)
)
def test_no_table_raises_anything_else(data):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.jpg").write_bytes(b"x")
        (folder / "labels.tsv").write_bytes(data)
        try:
            found = read_class_labels([(folder, folder / "labels.tsv")], LABELS, lambda _: None)
        except EvaluationError as exc:
            assert "\n" not in str(exc)  # noqa: PT017 - some do not raise
        else:
            assert [image.file for image in found] == ["a.jpg"]


def test_folder_for_each_class_needs_no_table(tmp_path):
    for name in ("test/cat/a.jpg", "test/Dog/b.jpg", "test/hen/c.jpg", "test/hen/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    said: list[str] = []
    images = read_class_labels([(tmp_path, tmp_path)], ("dog", "cat"), said.append)
    assert [(image.file, image.class_id) for image in images] == [
        ("test/Dog/b.jpg", 0),
        ("test/cat/a.jpg", 1),
    ]
    (line,) = said
    assert "folders of no class of the bundle" in line
    assert "test/hen" in line
