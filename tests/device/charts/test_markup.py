from __future__ import annotations

from device.charts.markup import POLICY, document, escape, figure, section, table, tiles
from tests.helpers.outline import Outline

EVIL = "<script>\"&'"


def test_page_is_whole_and_lets_nothing_be_loaded():
    page = document("Title " + EVIL, "<h1>x</h1>", "<p>y</p>", "foot " + EVIL)
    assert page.startswith("<!DOCTYPE html>")
    assert POLICY in page
    assert "default-src 'none'" in POLICY
    assert "<title>Title &lt;script&gt;&quot;&amp;&#x27;</title>" in page
    assert "<script>" not in page


def test_text_is_shown_as_it_is_in_elements_and_attributes():
    assert escape(EVIL) == "&lt;script&gt;&quot;&amp;&#x27;"
    assert escape(3) == "3"


def test_columns_of_numbers_are_marked_and_the_first_cell_is_the_rows_heading():
    html = table("t", "All of it", ["name", "#ms"], [["a", "1"], ["b", "2"]], pick="b")
    assert '<th scope="col">name</th><th scope="col" class=n>ms</th>' in html
    assert '<tr><th scope="row">a</th><td class=n>1</td></tr>' in html
    assert '<tr class="pick-row"><th scope="row">b</th>' in html
    assert 'aria-labelledby="t"' in html
    assert '<caption id="t"><span>All of it</span></caption>' in html


def test_pieces_are_sound_html():
    page = document(
        "t",
        "<h1>t</h1>",
        section("s", "Part", figure("<svg></svg>", "below", "above") + tiles([("a", "1", "ms")])),
        "f",
    )
    Outline(page)  # raises where a tag is not closed
    assert '<section id="s" aria-labelledby="s-h">' in page
    assert page.index("above") < page.index("<svg>") < page.index("below")


def test_figure_without_words_has_neither_heading_nor_caption():
    assert figure("<svg/>") == '<figure class="chart"><svg/></figure>'
