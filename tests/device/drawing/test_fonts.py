from __future__ import annotations

import sys

import pytest
from PIL import ImageFont

from device.drawing import fonts as module
from device.drawing.fonts import covering_font


@pytest.fixture
def font_folder(tmp_path, monkeypatch):
    """The only folder in which fonts are looked for."""
    monkeypatch.setattr(module, "FOLDERS", (str(tmp_path),))
    for cached in (module.covering_font, module._font_files):
        cached.cache_clear()
    yield tmp_path
    for cached in (module.covering_font, module._font_files):
        cached.cache_clear()


def put_font(path) -> None:
    """Pillow's own font as a file: ASCII, the degree and few others, no letters with marks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ImageFont.load_default(20).path.getvalue())


def test_font_that_has_every_letter_is_found_in_any_depth(font_folder):
    put_font(font_folder / "truetype" / "own" / "own.ttf")
    font = covering_font("20°")
    assert font is not None
    assert font.path.endswith("own.ttf")


@pytest.mark.parametrize("label", ["école", "猫", "20° 猫"])
def test_font_without_one_of_the_letters_is_none(font_folder, label):
    put_font(font_folder / "own.ttf")
    assert covering_font(label) is None


def test_damaged_fonts_are_passed_over(font_folder):
    (font_folder / "a.ttf").write_bytes(b"no font")
    (font_folder / "b.otf").write_bytes(b"")
    (font_folder / "c.ttc").mkdir()
    put_font(font_folder / "d.TTF")
    font = covering_font("20°")
    assert font is not None
    assert font.path.endswith("d.TTF")


def test_favourites_come_first(font_folder):
    put_font(font_folder / "a.ttf")
    put_font(font_folder / "DejaVuSans.ttf")
    assert [path.name for path in module._font_files()] == ["DejaVuSans.ttf", "a.ttf"]


def test_no_folder_of_fonts_and_no_pillow_are_no_error(font_folder, monkeypatch):
    monkeypatch.setattr(module, "FOLDERS", (str(font_folder / "missing"),))
    assert covering_font("20°") is None
    put_font(font_folder / "own.ttf")
    monkeypatch.setattr(module, "FOLDERS", (str(font_folder),))
    module.covering_font.cache_clear()
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert covering_font("20°") is None
