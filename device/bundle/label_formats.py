"""Label file formats that are more than a name per row: their names by class id.

The Object Detection API's label map (``.pbtxt``), a list or map in JSON, Ultralytics' ``names``
in YAML or as Python prints it. Each is read by pattern; nothing is evaluated.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

UNUSED = "???"  # what a class without a name is called, as in TensorFlow's label maps
KEYS = ("names", "labels", "classes", "class_names")  # what people call the list, within others

_ITEM = re.compile(r"\bitem\s*:?\s*\{([^{}]*)\}")
_FIELD = re.compile(
    r"""\b(id|name|display_name)\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d+))"""
)
_NAMES = re.compile(r"""(?m)(?:^|(?<=[{,]))[ \t]*["']?names["']?[ \t]*:""")
# A string in quotes, a bracket or comma or colon, or whatever else stands between those.
_TOKEN = re.compile(
    r"""\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.|'')*)'|([\[\]{},:])|([^\s\[\]{},:][^\[\]{},:\n]*))"""
)
# What is no Western European text in Windows-1252: a byte that is no letter there, but for the
# apostrophe, or one that Turkish has another letter for; three letters above 127 in a row; two
# that are a word.
_FOREIGN = re.compile(
    rb"[\x00-\x08\x80-\x89\x8b\x8d\x8f-\x91\x93-\x99\x9b\x9d\xa0-\xbf\xd0\xd7\xde\xf0\xf7\xfe]"
    rb"|[\xc0-\xff]{3}"
    rb"|(?<![A-Za-z\x80-\xff])[\x80-\xff]{2}(?![A-Za-z\x80-\xff])"
)
_ESCAPE = re.compile(r"\\(.)|''")
_LIST_ROW = re.compile(r"[ \t]*-[ \t]+(.*)")
_MAP_ROW = re.compile(r"""[ \t]+["']?(\d+)["']?[ \t]*:[ \t]*(.*)""")


class DecodedText(NamedTuple):
    """A text, and the encoding that was guessed for it; empty where the file itself tells it."""

    text: str
    guess: str = ""


def decode_text(data: bytes) -> DecodedText:
    """``data`` as text: UTF-8 or UTF-16, with or without a byte order mark, or Windows-1252.

    Raises ``UnicodeError`` where it is in none of these, as far as bytes tell.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return DecodedText(data[len(mark) :].decode(encoding))
    # Latin letters in two bytes each: every second one is zero.
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(data) > 3 and not any(data[start : start + 64 : 2]):
            return DecodedText(data.decode(encoding))
    try:
        return DecodedText(data.decode("utf-8"))
    except UnicodeDecodeError:
        # One or two letters with an accent or an umlaut between plain ones are Western European;
        # of other alphabets whole words lie above 127.
        if _FOREIGN.search(data):
            raise
        return DecodedText(data.decode("cp1252"), "Windows-1252")


class ClassList(NamedTuple):
    """Names by class id, ``???`` for a class that has none."""

    names: list[str]
    numbered: bool  # whether the file says which class each is of


def names_by_id(text: str) -> ClassList | None:
    """The names in ``text`` where it is in one of the formats; None where it is not."""
    text = text.removeprefix("\ufeff").strip()
    if items := list(_items(text)):
        return _listed(dict(items))
    if text[:1] in ("[", "{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return _of_json(found)
    match = _NAMES.search(text)
    return None if match is None else _of_names(text[match.end() :])


def _items(text: str) -> Iterator[tuple[int, str]]:
    """Ids and names of a label map; what is displayed goes before what is stored."""
    for item in _ITEM.finditer(text):
        fields = {
            found[1]: _unescaped(found[2] or found[3] or "") or found[4] or ""
            for found in _FIELD.finditer(item[1])
        }
        name = fields.get("display_name") or fields.get("name")
        if name and fields.get("id", "").isdecimal():
            yield int(fields["id"]), name


def _of_json(found: object) -> ClassList | None:
    if isinstance(found, dict):
        inside = next((found[key] for key in KEYS if isinstance(found.get(key), list | dict)), None)
        if inside is not None:
            return _of_json(inside)
        names = {str(key): str(value) for key, value in found.items() if _is_word(value)}
        if names and all(key.isdecimal() for key in names):
            return _listed({int(key): name for key, name in names.items()})
        if names and all(name.isdecimal() for name in names.values()):  # ids by name
            return _listed({int(number): name for name, number in names.items()})
        return None
    if isinstance(found, list):
        words = [item.get("name") if isinstance(item, dict) else item for item in found]
        if words and all(_is_word(word) for word in words):
            return ClassList([str(word) for word in words], numbered=False)
    return None


def _is_word(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _of_names(text: str) -> ClassList | None:
    """What follows ``names:``, in brackets or in rows."""
    if text.lstrip()[:1] in ("[", "{"):
        return _flow(text)
    names: dict[int, str] = {}
    numbered = False
    for row in text.splitlines()[1:]:
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        if found := _LIST_ROW.fullmatch(row):
            names[len(names)] = _scalar(found[1])
        elif found := _MAP_ROW.fullmatch(row):
            names[int(found[1])] = _scalar(found[2])
            numbered = True
        else:
            break
    return _listed(names, numbered)


def _scalar(text: str) -> str:
    """A value of a row: in quotes, or up to a comment."""
    found = _TOKEN.match(text)
    if found is not None and text.lstrip()[:1] in ("'", '"'):
        return _unescaped(found[1] or found[2] or "")
    return text.partition(" #")[0].strip()


def _flow(text: str) -> ClassList | None:
    """A list, or a map from numbers, in brackets; what comes after it is not looked at."""
    opening, words = "", []
    for token in _TOKEN.finditer(text):
        mark = token[3]
        if mark in ("[", "{"):
            if opening:
                break  # lists within lists are no names
            opening = mark
        elif mark in ("]", "}"):
            break
        elif mark is None:
            quoted = token[1] if token[1] is not None else token[2]
            words.append((token[4] or "").strip() if quoted is None else _unescaped(quoted))
        elif mark == ":" and opening == "[":
            return None
    if opening == "[":
        return _listed(dict(enumerate(words)), numbered=False)
    pairs = list(pairwise(words))[::2]
    return _listed({int(key): name for key, name in pairs if key.isdecimal()})


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: found[1] or "'", text)


def _listed(names: Mapping[int, str], numbered: bool = True) -> ClassList | None:
    """``names`` in order, gaps filled; None where numbers are far beyond what is named."""
    if not names or max(names) > 10 * len(names) + 100:
        return None
    return ClassList([names.get(number, UNUSED) for number in range(max(names) + 1)], numbered)
