"""YOLO's ``data.yaml``: where a dataset's splits are, and what its classes are called.

Only what such files hold is read: keys at the left edge with a text, a list or a numbered
mapping, on one line or on several. Everything else of YAML (anchors, tags, nesting) is neither
needed nor evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from convert.annotations.ground_truth import MAX_LABEL_BYTES, read_text
from convert.errors import EvaluationError

MAX_CLASSES = 10_000

_KEY = re.compile(r"([A-Za-z_]+)\s*:(?:\s+(.*))?$")
_NUMBERED = re.compile(r"(\d{1,5})\s*:\s*(.*)$")
_WORDS = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\[\]{}"'][^,\[\]{}]*)\s*(?:,|$)""")


@dataclass(frozen=True, slots=True)
class YoloConfig:
    """Class names in their order, and for each split named the folders or lists of images."""

    names: tuple[str, ...]
    path: str  # the dataset's folder on the machine where the file was made
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def read_yolo_config(path: Path) -> YoloConfig:
    """The file at ``path``. Raises :class:`EvaluationError` for another kind of file."""
    return parse_yolo_config(read_text(path, MAX_LABEL_BYTES), str(path))


def parse_yolo_config(text: str, source: str) -> YoloConfig:
    """As :func:`read_yolo_config`, of the ``text`` of a file that messages call ``source``."""
    values: dict[str, tuple[str, ...]] = {}
    for key, value in _entries(text):
        if key in ("names", "path", "train", "val", "valid", "test"):
            try:
                values[key] = _parse_value(value)
            except ValueError as exc:
                raise EvaluationError(f"{source}: {key}: {exc}") from exc
    names = values.get("names", ())
    if not names:
        raise EvaluationError(f"{source}: no class names; expected names: [cat, dog]")
    if len(names) > MAX_CLASSES:
        raise EvaluationError(f"{source}: {len(names)} classes, at most {MAX_CLASSES} are read")
    return YoloConfig(
        names,
        "".join(values.get("path", ())[:1]),
        values.get("train", ()),
        values.get("val", values.get("valid", ())),
        values.get("test", ()),
    )


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each key at the left edge with the lines of its value, the first what follows the colon."""
    key, lines = "", list[str]()
    for raw in text.splitlines():
        line = _without_comment(raw).rstrip()
        if not line or line.startswith(("---", "...", "%")):
            continue
        found = _KEY.match(line)
        if found:
            if key:
                yield key, lines
            key, lines = found[1], [found[2] or ""]
        else:
            lines.append(line.strip())
    if key:
        yield key, lines


def _without_comment(line: str) -> str:
    """``line`` up to a ``#`` that stands outside of quotes and after a space."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1].isspace()):
            return line[:at]
    return line


def _parse_value(lines: list[str]) -> tuple[str, ...]:
    """A text as one word, a list or numbered mapping as its words. Raises ValueError."""
    first, *rest = lines
    whole = " ".join(lines).strip()
    if whole[:1] in ("[", "{"):
        closing = {"[": "]", "{": "}"}[whole[0]]
        if not whole.endswith(closing):
            raise ValueError(f"no {closing!r} at the end")
        words = _split_words(whole[1:-1])
        return _by_number(words) if closing == "}" else tuple(_unquoted(word) for word in words)
    if first:
        if rest:
            raise ValueError(f"{rest[0][:40]!r} below {first[:40]!r}")
        return () if first in ("null", "~") else (_unquoted(first),)
    if all(line == "-" or line.startswith("- ") for line in rest):
        return tuple(_unquoted(line[1:].strip()) for line in rest)
    return _by_number(rest)


def _split_words(text: str) -> list[str]:
    """The words between commas, which may be quoted."""
    words, at = list[str](), 0
    while text[at:].strip():
        found = _WORDS.match(text, at)
        if found is None:
            raise ValueError(f"{text[at : at + 40].strip()!r} where a word was expected")
        words.append(found[1].strip())
        at = found.end()
    return words


def _by_number(words: list[str]) -> tuple[str, ...]:
    """The names of ``0: cat``, ``1: dog``, which must be there from 0 on, in any order."""
    names: dict[int, str] = {}
    for word in words:
        found = _NUMBERED.match(word)
        if found is None:
            raise ValueError(f"{word[:40]!r} where a number and a name were expected")
        names[int(found[1])] = _unquoted(found[2].strip())
    if sorted(names) != list(range(len(names))):
        raise ValueError("class numbers that do not count from 0 without a gap")
    return tuple(names[number] for number in range(len(names)))


def _unquoted(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] == "'":
        return word[1:-1].replace("''", "'")
    if len(word) > 1 and word[0] == word[-1] == '"':
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
