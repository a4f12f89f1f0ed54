from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.annotations.csv_table import is_csv_table, parse_csv_table, read_csv_table
from convert.errors import EvaluationError

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def test_rows_of_one_image_are_joined():
    found = parse_csv_table(HEAD + "a.jpg,64,48,cat,1,2,30,40\na.jpg,64,48,dog,5,5,9,9\n", "t.csv")
    (image,) = found.images
    assert (image.image, image.size) == ("a.jpg", (64, 48))
    assert [(box.label, box.edges) for box in image.boxes] == [
        ("cat", (1, 2, 30, 40)),
        ("dog", (5, 5, 9, 9)),
    ]


def test_columns_are_known_by_their_headings_in_any_order():
    found = parse_csv_table("class, ymax ,xmin,ymin,xmax,FILENAME\ncat,40,1,2,30,a.jpg\n", "t.csv")
    assert found.images[0].boxes[0].edges == (1, 2, 30, 40)
    assert found.images[0].size is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg,64,48,cat,one,2,30,40", "xmin is 'one', expected pixels"),
        ("a.jpg,64,48,cat,nan,2,30,40", "xmin is 'nan'"),
        ("a.jpg,64,48,cat,1e9,2,30,40", "xmin is '1e9'"),
        (",64,48,cat,1,2,30,40", "no file name"),
        ("a.jpg,64,48,,1,2,30,40", "no class"),
        ("a.jpg", "no class"),
    ],
)
def test_row_that_cannot_be_used_is_named_by_its_line(row, reason):
    found = parse_csv_table(HEAD + row + "\n", "t.csv")
    assert found.images == ()
    assert found.unusable[0].startswith("line 2 (")
    assert reason in found.unusable[0]


def test_missing_column_is_named():
    with pytest.raises(EvaluationError, match="no column 'class'"):
        parse_csv_table("filename,xmin,ymin,xmax,ymax\n", "t.csv")


def test_other_tables_are_told_apart(tmp_path):
    table, other = tmp_path / "a.csv", tmp_path / "b.csv"
    table.write_text("\ufeff" + HEAD)
    other.write_text("name,price\n")
    assert is_csv_table(table)
    assert not is_csv_table(other)
    assert not is_csv_table(tmp_path)
    assert read_csv_table(table).images == ()


@given(st.text(max_size=300))
def test_no_table_raises_anything_else(text):
    for source in (text, HEAD + text):
        try:
            parse_csv_table(source, "t.csv")
        except EvaluationError:
            continue
