"""The live page in each of its states, looked at by axe-core: nothing in it keeps people out."""

from __future__ import annotations

import contextlib
import time

import pytest

from device.cameras.base import CameraLoss
from device.errors import SourceError
from device.web import handlers
from device.web.past import Past
from tests.helpers.browser import find_in_each_look, opened
from tests.helpers.live_page import visit
from tests.helpers.past import make_past

pytestmark = pytest.mark.pages

HANG_UP = "async () => (await import('/line.js')).hangUp()"


@pytest.fixture
def page(browser, run):
    with opened(browser, run.link) as page:
        page.locator("#picture[data-frame]").wait_for()
        yield page


def test_something_is_found(page):
    page.locator("#sentence", has_text="cat").wait_for()
    assert find_in_each_look(page) == []


def test_nothing_is_found(run, page):
    run.change({"threshold": 1})
    page.locator('#boxes[data-boxes="0"]').wait_for()
    assert find_in_each_look(page) == []


def test_paused_without_boxes(page):
    page.keyboard.press("b")
    page.keyboard.press("Space")
    page.locator('body[data-state="paused"]').wait_for()
    assert find_in_each_look(page) == []


def test_camera_is_lost(run, page):
    run.scene.loss = CameraLoss("/dev/video0: gone", "Is its plug in?", time.monotonic() - 60)
    try:
        page.locator('body[data-state="lost"]').wait_for()
        assert find_in_each_look(page) == []
    finally:
        run.scene.loss = None


def test_line_is_cut(page):
    page.context.set_offline(True)
    page.evaluate(HANG_UP)
    page.locator('body[data-state="offline"]').wait_for()
    assert find_in_each_look(page) == []


def test_too_many_are_watching(page, monkeypatch):
    monkeypatch.setattr(handlers, "MAX_VIEWERS", 0)
    page.evaluate(HANG_UP)
    page.locator('body[data-state="crowded"]').wait_for()
    assert page.locator("#notice-title").inner_text() == "Too many are watching"
    assert find_in_each_look(page) == []


def test_token_is_another_one_by_now(page, monkeypatch):
    monkeypatch.setattr(handlers, "MAX_VIEWERS", 0)
    page.route("**/settings", lambda route: route.fulfill(status=401))
    page.evaluate(HANG_UP)
    page.locator('body[data-state="locked"]').wait_for()
    assert page.locator("#notice-title").inner_text() == "A new token is needed"
    assert find_in_each_look(page) == []


def test_first_picture_is_waited_for(bundle_dir, browser):
    with visit(bundle_dir, there=False) as run, opened(browser, run.link) as page:
        page.get_by_text("Waiting for the first picture").wait_for()
        assert find_in_each_look(page) == []


@pytest.mark.usefixtures("unhurried_farewell")
def test_run_has_ended_by_an_error(bundle_dir, browser):
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(SourceError), visit(bundle_dir) as run:
            page = stack.enter_context(opened(browser, run.link))
            page.locator("#picture[data-frame]").wait_for()
            raise SourceError("/dev/video0: given up after 60 s")
        page.locator('body[data-state="ended"]').wait_for()
        assert find_in_each_look(page) == []


def test_token_is_asked_for_and_wrong(locked, browser):
    with opened(browser, f"http://{locked.host}/") as page:
        assert find_in_each_look(page) == []
        page.get_by_label("Token").fill("open-barley")
        page.keyboard.press("Enter")
        page.locator("#wrong").wait_for()
        assert find_in_each_look(page) == []


def test_past_is_looked_at(bundle_dir, browser, tmp_path):
    past = Past(make_past(tmp_path), tmp_path / "clips")
    with (
        visit(bundle_dir, name="Garden", past=past) as run,
        opened(browser, f"http://{run.host}/past") as page,
    ):
        page.get_by_role("heading").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert find_in_each_look(page) == []
