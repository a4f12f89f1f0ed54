from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from device.system.toml_text import tables_text

# What TOML can hold: no surrogates, and numbers that are numbers.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_tables_are_written_each_under_its_name():
    text = tables_text({"zone": [{"name": "till 1", "points": [[0.1, 0.2]], "a b": {"x": 1}}]})
    assert text == '\n[[zone]]\nname = "till 1"\npoints = [[0.1, 0.2]]\n"a b" = {x = 1}\n'


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=3))
def test_what_is_written_is_read_back(entries):
    assert tomllib.loads(tables_text({"zone": entries})) == {"zone": entries}
