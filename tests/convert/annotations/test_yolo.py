from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.read import read_annotations
from tests.helpers.annotation_files import (
    EXPECTED,
    LABELS,
    TRUTH,
    mutated,
    put,
    read_mutated,
    truth_of,
    write_yolo,
    yolo_text,
)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.1", "line 1: 4 words"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line 1: 6 words"),
        ("\n\nx 0.5 0.5 0.1 0.1", "line 3: not 5 numbers"),
        ("3 0.5 0.5 0.1 0.1", "class 3, but 3 have names"),
        ("-1 0.5 0.5 0.1 0.1", "class -1"),
        ("0 0.5 0.5 nan 0.1", "not 5 numbers"),
        ("0 320 240 0.1 0.1", "not within 0 to 1"),
    ],
)
def test_what_is_wrong_in_a_yolo_file_is_said(tmp_path, images, said, line, reason):
    folder = write_yolo(tmp_path / "txt")
    (folder / "b.txt").write_text(line)
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    assert reason in said[0]


def test_yolo_without_names_takes_the_bundle_s_labels_and_says_so(tmp_path, images, said):
    folder = write_yolo(tmp_path / "txt", classes=("person", "cat", "dog"), named=False)
    assert truth_of(read_annotations([(images, folder)], LABELS, said.append)) == EXPECTED
    (line,) = said
    assert "'person' and class 2 for 'dog'" in line


def test_yolo_of_an_unreadable_picture_is_left_out(tmp_path, images, said):
    (images / "b.png").write_bytes(b"no picture")
    annotated = read_annotations([(images, write_yolo(tmp_path / "t"))], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "c.png"]
    assert "not a picture" in said[0]


@given(mutated(yolo_text("a", TRUTH["a"], ["dog", "person"]).encode()) | st.binary(max_size=40))
def test_no_yolo_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "txt" / "a.txt", data).parent, data)


@given(mutated(b"dog\nperson"))
def test_no_yolo_class_list_raises_anything_else(data):
    def write(folder, data):
        write_yolo(folder / "txt", {"a": TRUTH["a"]})
        return put(folder / "txt" / "classes.txt", data).parent

    read_mutated(write, data)
