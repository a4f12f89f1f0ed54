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
    voc_text,
    write_voc,
)


def test_a_picture_renamed_with_its_xml_is_found_by_the_xml_s_name(tmp_path, images):
    folder = tmp_path / "xml"
    folder.mkdir()
    (folder / "a.xml").write_text(voc_text("IMG_0001", TRUTH["a"]))
    (folder / "other.xml").write_text(voc_text("C:\\pictures\\b", TRUTH["b"]))
    found = truth_of(read_annotations([(images, folder)], LABELS, pytest.fail))
    assert found == {name: EXPECTED[name] for name in ("a.png", "b.png")}


def test_entities_are_refused_before_they_grow(tmp_path, images, said):
    folder = write_voc(tmp_path / "xml")
    bomb = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><annotation>&m;</annotation>'
    (folder / "b.xml").write_text(bomb)
    (folder / "c.xml").write_bytes(bomb.encode("utf-16"))
    read_annotations([(images, folder)], LABELS, said.append)
    assert said[0].count("declares a document type") == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("<xmax>24</xmax>", ""), "bndbox/xmax is ''"),
        (("<xmax>24</xmax>", "<xmax>nan</xmax>"), "bndbox/xmax is 'nan'"),
        (("<xmax>24</xmax>", "<xmax>3</xmax>"), "the wrong way round"),
        (("<name>person</name>", ""), "without a name"),
        (("annotation>", "svg>"), "<svg> where <annotation>"),
    ],
)
def test_what_is_wrong_in_a_voc_file_is_said(tmp_path, images, said, change, reason):
    folder = write_voc(tmp_path / "xml")
    (folder / "a.xml").write_text((folder / "a.xml").read_text().replace(*change))
    read_annotations([(images, folder)], LABELS, said.append)
    assert reason in said[0]


@pytest.mark.parametrize("encoding", ["foo", "utf-7", "shift-jis", "idna", "hex"])
def test_xml_in_encodings_that_expat_cannot_read_is_left_out(tmp_path, images, said, encoding):
    folder = write_voc(tmp_path / "xml")
    (folder / "c.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>')
    annotated = read_annotations([(images, folder)], LABELS, said.append)
    assert sorted(truth_of(annotated)) == ["a.png", "b.png"]
    assert "c.xml (not XML: " in said[0]


@given(mutated(voc_text("a", TRUTH["a"]).encode()) | st.binary(max_size=40))
def test_no_voc_file_raises_anything_else(data):
    read_mutated(lambda folder, data: put(folder / "xml" / "a.xml", data).parent, data)
