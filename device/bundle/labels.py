"""Labels: class names by class id, from label files as people really have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from device.bundle.label_formats import UNUSED, decode_text, names_by_id
from device.errors import UsageError
from device.files import MOST_OF_A_TEXT, read_regular

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
    # A number without which two classes were called the same belongs to the name: 1 of hearts.
    told = [name for name in names.values() if not is_placeholder(name)]
    if len(set(told)) < len(told):
        return None
    # Numbers far beyond the rows are no class ids: a file of sizes, say, or of years.
    if not names or max(names) > 10 * len(names) + 100:
        return None
    return [names.get(number, UNUSED) for number in range(max(names) + 1)]


def is_placeholder(label: str) -> bool:
    """Whether a label stands for no class: ``???``, ``background`` and the like."""
    return label.lower() in _PLACEHOLDERS


def read_label_file(path: str, say: Callable[[str], None]) -> str:
    """The text of a label file; ``say`` is told of an encoding that was guessed.

    Raises :class:`UsageError` where it cannot be read.
    """
    try:
        decoded = decode_text(read_regular(Path(path), MOST_OF_A_TEXT))
    except OSError as exc:
        raise UsageError(f"--labels {path}: {exc.strerror}") from exc
    except UnicodeError as exc:
        raise UsageError(
            f"--labels {path}: its text is not in UTF-8, UTF-16 or Windows-1252; save it as UTF-8"
        ) from exc
    if decoded.guess:
        say(f"--labels {path}: not in UTF-8, read as {decoded.guess}")
    return decoded.text


def parse_labels(
    text: str, count: int | None, where: str = "the label file", background: int | None = None
) -> tuple[str, ...]:
    """The names of ``count`` classes, by class id; of all but a background row if None.

    Understands a name per row, ``0 name`` or ``0: name``, Windows line ends, a byte order mark,
    blank rows (a class without a name where that makes the count right, else nothing), the formats
    of :mod:`device.bundle.label_formats`, and a background or ``???`` row, first or last, that the
    model does not have. ``background`` is the class, the first or the last, that the model is known
    to have for it, though the file may not. No name is ever moved to another class by guess.

    Raises :class:`UsageError` with both counts, and what would fit, where they fit in none of these
    ways.
    """
    file = _LabelFile(text)
    if count is None:
        reading = file.numbered or file.names
        return tuple(reading[is_placeholder(reading[0]) :]) if reading else ()
    # Numbers from 1 on, of as many classes: they are no part of the names.
    if file.numbered and len(file.numbered) == count + 1 and is_placeholder(file.numbered[0]):
        return tuple(file.numbered[1:])
    for reading in file.readings:
        if len(reading) == count:
            return tuple(reading)
    for reading in file.readings:
        if len(reading) == count + 1 and is_placeholder(reading[0]):
            return tuple(reading[1:])
        if len(reading) == count + 1 and is_placeholder(reading[-1]):
            return tuple(reading[:-1])
        if len(reading) == count - 1 and _is_background_left_out(reading, count, background):
            at = background or 0
            return (*reading[:at], BACKGROUND, *reading[at:])
    # A numbered file may leave out unused classes at the end.
    if file.numbered and len(file.numbered) < count:
        return (*file.numbered, *[UNUSED] * (count - len(file.numbered)))
    raise UsageError(
        f"{where} has {len(file.names)} names, the model {count} classes: "
        f"{_what_would_fit(file.names, count)}"
    )


class _LabelFile:
    """The ways in which a text can be read as names, the surest first."""

    def __init__(self, text: str) -> None:
        rows = [row.strip() for row in text.removeprefix("\ufeff").splitlines()]
        while rows and not rows[-1]:
            rows.pop()
        self.numbered: list[str] | None = None  # where the file says which class each name is of
        if (listed := names_by_id(text)) is not None:
            self.names = listed.names
            self.numbered = listed.names if listed.numbered else None
            self.readings = [listed.names]
            return
        self.numbered = _indexed(rows)
        self.names = [row for row in rows if row]
        plain = [[row or UNUSED for row in rows], self.names]
        self.readings = [self.numbered, *plain] if self.numbered else plain


def _is_background_left_out(names: Sequence[str], count: int, background: int | None) -> bool:
    """Whether ``names`` are those of all ``count`` classes but the background."""
    if not names or is_placeholder(names[0]) or is_placeholder(names[-1]):
        return False
    # ImageNet's 1000 are known: networks of Google's have a background before the tench.
    imagenet = count == 1001 and names[0].lower().startswith("tench")
    return imagenet or background in (0, count - 1)


def _what_would_fit(names: Sequence[str], count: int) -> str:
    if len(names) == count - 1:
        return (
            "where the model has a class for the background, add a row `background` at its place, "
            "which is the first or the last; where it has none, a name is missing"
        )
    return (
        f"{count} rows would fit, or {count + 1} of which the first or last is `background`; give "
        "the file that belongs to this model"
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
