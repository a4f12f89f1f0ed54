"""Suggestions: the nearest known name to one that was typed, for "did you mean" in errors."""

from __future__ import annotations

from collections.abc import Iterable

LEAST_RATIO = 0.6  # of difflib's similarity, 0..1: where a slip of the fingers ends


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that ``word`` was most likely meant to be; empty where none is near it.

    A beginning of one name, and of no other, counts as that name.
    """
    import difflib  # here: only a mistake pays for it

    by_text = {_plain(name): name for name in names}
    plain = _plain(word)
    longer = [name for text, name in by_text.items() if plain and text.startswith(plain)]
    if len(longer) == 1:
        return longer[0]
    close = difflib.get_close_matches(plain, by_text, n=1, cutoff=LEAST_RATIO)
    return by_text[close[0]] if close else ""


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """What to add to an error about ``word``: the nearest of ``names``, or nothing."""
    name = nearest(word, names)
    return f"; did you mean {name}?" if name else ""


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-").casefold()
