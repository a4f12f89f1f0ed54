"""Transliteration: a label in ASCII, for where no font has its letters."""

from __future__ import annotations

import unicodedata

# Letters that Unicode does not take apart into a plain one and a mark, as the languages that have
# them write them without; and dashes and apostrophes of typography.
PLAIN = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
        "\u0131": "i", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2019": "'",
    }
)  # fmt: skip


def plain_letters(text: str) -> str:
    """``text`` in ASCII; empty where a letter of it has no plain one, as 猫 has none."""
    apart = unicodedata.normalize("NFKD", text).translate(PLAIN)
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return plain if plain.isascii() else ""
