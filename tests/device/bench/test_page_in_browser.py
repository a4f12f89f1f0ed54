"""The page of a benchmark in Chromium: what axe-core finds, what meets, what scrolls."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from device.bench.page import make_page
from tests.helpers.browser import PHONE, find_in_file, open_browser, opened

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page_file(full, tmp_path):
    file = tmp_path / "bench.html"
    file.write_text(make_page(full), "utf-8")
    return file


def test_nothing_keeps_anybody_out_and_no_texts_meet(browser, page_file):
    assert find_in_file(browser, page_file) == []


def test_phone_shows_the_first_section_and_the_others_when_asked(browser, page_file):
    with opened(browser, page_file, PHONE, "light") as page:
        bodies = page.locator("section > .body")
        assert bodies.nth(0).is_visible()
        assert not any(bodies.nth(number).is_visible() for number in range(1, bodies.count()))
        page.get_by_role("heading", name="Memory").click()
        assert page.locator("#memory > .body").is_visible()
        page.get_by_role("checkbox", name="Show: Memory").focus()
        page.keyboard.press("Space")
        assert not page.locator("#memory > .body").is_visible()
        page.get_by_role("link", name="Whole frames").click()
        assert page.locator("#frames > .body").is_visible()


def edges(page, scroll) -> tuple[float, float]:
    """How dark the ends of a table's lower half are, beside their middle: 0 for no shadow."""
    image = Image.open(io.BytesIO(scroll.screenshot())).convert("L")
    row = np.asarray(image, float)[-3]
    return float(row[len(row) // 2] - row[1]), float(row[len(row) // 2] - row[-2])


def test_table_wider_than_a_phone_has_a_shadow_where_there_is_more(browser, page_file):
    with opened(browser, page_file, PHONE, "light") as page:
        scroll = page.locator("#latency .scroll").first
        width, shown = scroll.evaluate("box => [box.scrollWidth, box.clientWidth]")
        assert width > shown
        left, right = edges(page, scroll)
        assert left == 0
        assert right > 20
        scroll.evaluate("box => box.scrollLeft = box.scrollWidth")
        left, right = edges(page, scroll)
        assert left > 20
        assert right == 0
        caption = page.locator("#latency caption span").first.bounding_box()
        assert caption["x"] >= 0
        assert caption["x"] + caption["width"] <= PHONE[0]
