from __future__ import annotations

from pathlib import Path

import pytest

from device.system.partial_file import is_partial, partial_of


@pytest.mark.parametrize("name", ["a.mp4", "a.b.mkv", "person-20261121T143000Z.mp4"])
def test_partial_name_lies_beside_keeps_its_ending_and_is_known(name):
    path = Path("clips") / name
    partial = partial_of(path)
    assert (partial.parent, partial.suffix) == (path.parent, path.suffix)
    assert is_partial(partial)
    assert not is_partial(path)


def test_partial_name_is_what_earlier_runs_wrote():
    assert partial_of(Path("a/cat.mp4")) == Path("a/cat.partial.mp4")
