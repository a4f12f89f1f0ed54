from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.commands.name_lists import join_names, split_names

names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.lists(names, min_size=1))
def test_names_read_back_as_they_were_written(written):
    assert split_names(join_names(written)) == written


def test_quotes_stand_around_what_has_a_comma_alone():
    assert join_names(["cat", "orange, blood", 3]) == 'cat,"orange, blood",3'


@pytest.mark.parametrize("text", ['"orange, blood', '"a"b', "a\nb"])
def test_name_quoted_by_half_is_refused(text):
    with pytest.raises(ValueError, match=r"[a-z]"):
        split_names(text)
