"""Fonts: one of this machine that has every letter of a label, by Pillow.

Both may be missing on a Pi. Pillow is there with Picamera2, which needs it; fonts come with the
desktop, else by `apt install fonts-dejavu-core` (Latin, Greek, Cyrillic) and `fonts-noto-cjk`
(Chinese, Japanese, Korean). The font inside Pillow has ASCII only, as OpenCV's. Nothing is
imported or looked for before a label needs it.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFont import FreeTypeFont

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
# Upright, of normal weight and with many letters: looked into before all others.
FAVOURITES = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "NotoSansCJK-Regular.ttc",
)
SUFFIXES = (".ttf", ".otf", ".ttc")
MOST_FILES = 300  # looked into for one label: a desktop has about a hundred
PROBE_SIZE = 20  # pixels: at this size a letter is compared with the picture for a missing one
MISSING = "\U0010fffe"  # a code point that is never a letter


@cache
def covering_font(label: str) -> FreeTypeFont | None:
    """A font that has every letter of ``label``; None where there is none, or no Pillow."""
    try:
        from PIL import ImageFont
    except ImportError:
        return None
    for path in islice(_font_files(), MOST_FILES):
        try:
            font = ImageFont.truetype(str(path), PROBE_SIZE)
            if _covers(font, label):
                return font
        except (ImportError, OSError, ValueError):  # no FreeType; a font that it cannot read
            continue
    return None


def _covers(font: FreeTypeFont, label: str) -> bool:
    """Whether no letter of ``label`` looks like one that ``font`` lacks."""

    def look(letter: str) -> tuple[tuple[int, int], bytes]:
        mask = font.getmask(letter)
        return mask.size, bytes(mask)

    missing = look(MISSING)
    return all(look(letter) != missing for letter in set(label) if not letter.isascii())


@cache
def _font_files() -> tuple[Path, ...]:
    """The font files of this machine: favourites in their order, then the others by name."""
    rank = {name: number for number, name in enumerate(FAVOURITES)}
    return tuple(
        sorted(_in_folders(), key=lambda path: (rank.get(path.name, len(rank)), path.name, path))
    )


def _in_folders() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in Path(folder).expanduser().rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                yield path
