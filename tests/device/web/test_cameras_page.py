"""The page of several cameras, looked at in a real browser."""

from __future__ import annotations

import pytest

from tests.helpers.browser import find_in_each_look, opened
from tests.helpers.several_cameras import visit_several

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def several(bundle_dir, no_token):
    with visit_several(bundle_dir, ["front door", "garden"]) as several:
        yield several


def test_tile_shows_a_picture_and_leads_to_the_camera_and_back(several, open_page):
    page = open_page(several.first.page.endpoint.link, image=False)
    door, garden = page.locator(".tile").nth(0), page.locator(".tile").nth(1)
    door.locator("img").wait_for()
    assert door.get_attribute("data-health") == "ok"
    assert garden.locator(".pace").inner_text() == "Waiting for its first picture"
    door.click()
    page.locator("#picture[data-frame]").wait_for()
    assert page.url.endswith("/cameras/front-door/")
    assert page.locator("#name").inner_text() == "front door"
    page.locator("#threshold").fill("40")
    several.first.until(lambda: several.first.pipeline.engine.threshold == 0.4)
    page.locator("#to-all").click()
    page.locator("#tiles").wait_for()


def test_page_of_all_cameras_keeps_nobody_out(several, browser):
    with opened(browser, several.first.page.endpoint.link) as page:
        page.locator(".tile img").first.wait_for()
        assert find_in_each_look(page) == []
