"""The tests that docs/reliability.md names are there."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "reliability.md"


def test_every_test_that_the_page_names_exists():
    _, _, text = PAGE.read_text().partition("## What holds")
    rows = [line for line in text.partition("## What was run")[0].splitlines() if "`" in line]
    assert len(rows) > 20
    for row in rows:
        folder = ROOT
        for name in re.findall(r"`([\w/]+(?:\.py(?:::\w+\.\.\.)?|/))`", row.rpartition("|")[0]):
            file, _, test = name.partition("::")
            path = folder / file if (folder / file).exists() else ROOT / file
            assert path.exists(), row
            assert not test or f"def {test.removesuffix('...')}" in path.read_text(), row
            folder = path.parent
