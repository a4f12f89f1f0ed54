"""Name lists: names with commas between; one that has a comma itself stands in double quotes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def split_names(text: str) -> list[str]:
    """The names in a line of CSV (RFC 4180), stripped. Raises ``ValueError`` for what is none."""
    try:
        (row,) = csv.reader([text], skipinitialspace=True, strict=True)
    except csv.Error as exc:
        raise ValueError(str(exc)) from exc
    return [name.strip() for name in row]


def join_names(names: Iterable[object]) -> str:
    """``names`` as :func:`split_names` reads them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()
