from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drawing.transliteration import plain_letters


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("Straßenbahn", "Strassenbahn"),
        ("école", "ecole"),
        ("Œuvre", "OEuvre"),
        ("smørrebrød", "smorrebrod"),
        ("łódź", "lodz"),
        ("e\u0301cole", "ecole"),
        ("cat", "cat"),
        ("①", "1"),
    ],
)
def test_letters_are_replaced_as_they_are_spelt_without_marks(label, plain):
    assert plain_letters(label) == plain


@pytest.mark.parametrize("label", ["猫", "кот", "cat 猫"])
def test_label_with_a_letter_that_has_no_plain_one_gives_nothing(label):
    assert plain_letters(label) == ""


@given(st.text(st.characters(categories=["L", "M", "N"])))
def test_letters_and_digits_never_become_a_question_mark(label):
    plain = plain_letters(label)
    assert plain.isascii()
    assert "?" not in plain
