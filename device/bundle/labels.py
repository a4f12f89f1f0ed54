"""Label files as people really have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from device.errors import UsageError

UNUSED = "???"  # what a class without a name is called, as in TensorFlow's label maps
BACKGROUND = "background"

_INDEXED = re.compile(r"(\d+)\s*[:,;=\s]\s*(\S.*)")
_PLACEHOLDERS = frozenset({UNUSED, BACKGROUND, "__background__", "unlabeled", "n/a", "none"})


def _indexed(rows: Sequence[str]) -> list[str] | None:
    """Names by the number each row begins with; None where not every row does."""
    names: dict[int, str] = {}
    for row in filter(None, rows):
        match = _INDEXED.fullmatch(row)
        if match is None or int(match[1]) in names:
            return None
        names[int(match[1])] = match[2]
    # Numbers far beyond the rows are no class ids: a file of sizes, say, or of years.
    if not names or max(names) > 10 * len(names) + 100:
        return None
    return [names.get(number, UNUSED) for number in range(max(names) + 1)]


def is_placeholder(label: str) -> bool:
    """Whether a label stands for no class: ``???``, ``background`` and the like."""
    return label.lower() in _PLACEHOLDERS


def parse_labels(text: str, count: int | None, where: str = "the label file") -> tuple[str, ...]:
    """The names of ``count`` classes, by class id; of all but a background row if None.

    Understands a name per row, ``0 name`` or ``0: name``, Windows line ends, a byte order mark,
    blank rows (a class without a name where that makes the count right, else nothing), a
    background or ``???`` row that the model does not have, and one that only the model has.

    Raises :class:`UsageError` with both counts where the rows fit in none of these ways.
    """
    rows = [row.strip() for row in text.removeprefix("\ufeff").splitlines()]
    while rows and not rows[-1]:
        rows.pop()
    names = [row for row in rows if row]
    readings = [indexed] if (indexed := _indexed(rows)) else []
    if count is None:
        reading = indexed or names
        return tuple(reading[is_placeholder(reading[0]) :]) if reading else ()
    readings += [[row or UNUSED for row in rows], names]
    for reading in readings:
        if len(reading) == count:
            return tuple(reading)
    for reading in readings:
        first = reading[0].lower() if reading else ""
        if len(reading) == count + 1 and first in _PLACEHOLDERS:
            return tuple(reading[1:])
        if len(reading) == count - 1 and first not in _PLACEHOLDERS:
            return (BACKGROUND, *reading)
        # An indexed file may leave out unused classes at the end.
        if reading is indexed and len(reading) < count:
            return (*reading, *[UNUSED] * (count - len(reading)))
    raise UsageError(
        f"{where} has {len(names)} names, the model {count} classes: give the file that belongs "
        "to this model"
    )


def class_ids(wanted: Iterable[str], labels: Sequence[str]) -> list[int]:
    """The classes called ``wanted``; raises :class:`UsageError` for one not among ``labels``."""
    ids = []
    for label in wanted:
        if label not in labels:
            import difflib

            near = difflib.get_close_matches(label, labels, 3)
            hint = f"did you mean {' or '.join(near)}?" if near else "info lists its classes"
            raise UsageError(f"the model knows no class {label!r}: {hint}")
        ids.append(labels.index(label))
    return ids
