"""The hub's page, looked at and used in a real browser."""

from __future__ import annotations

import contextlib

import pytest

from tests.device.hub.test_server import serving_hub
from tests.helpers.browser import DESK, find_in_each_look, open_browser, opened
from tests.helpers.children import wait_until
from tests.helpers.simulated_pis import SimulatedPi, metrics, serving_pis

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def names_on(page) -> list[str]:
    return page.locator(".tile h2 span").all_inner_texts()


def test_tiles_tell_what_needs_somebody_and_are_chosen_by_keys(tmp_path, jpeg, browser):
    pis = [
        SimulatedPi(metrics("Garden"), jpeg),
        SimulatedPi(metrics("<b>Barn</b>", version="0.8"), jpeg),
        SimulatedPi(metrics("Attic"), jpeg, token="open-sesame"),
        SimulatedPi(metrics("Porch", temperature=85.0), jpeg),
        SimulatedPi(metrics("Shed"), jpeg),
    ]
    with serving_pis(pis):
        lines = [*(pi.line for pi in pis), "127.0.0.1 page=127.0.0.1:9"]
        with serving_hub(tmp_path, lines) as visitor:
            wait_until(lambda: not any(t["health"] == "asking" for t in visitor.tiles().values()))
            with opened(browser, f"http://{visitor.hub.endpoint.address}/", DESK) as page:
                page.locator(".tile img").nth(3).wait_for()
                assert names_on(page)[2:] == ["Porch", "<b>Barn</b>", "Garden", "Shed"]
                sentence = page.locator("#sentence").inner_text()
                assert sentence == (
                    "4 of 6 Pis need somebody: 1 down, 1 hot or weak, 1 locked, 1 other version"
                )
                assert find_in_each_look(page) == []
                for width in (320, 390, 768, 1440, 2560):
                    page.set_viewport_size({"width": width, "height": 900})
                    assert page.evaluate("document.documentElement.scrollWidth") == width
                page.locator("#kinds button", has_text="Hot").focus()
                page.keyboard.press("Enter")
                assert names_on(page) == ["Porch"]
                page.locator("#kinds button", has_text="All").click()
                page.locator("#search").fill("barn")
                assert names_on(page) == ["<b>Barn</b>"]
                page.locator("#search").fill("nobody")
                assert "“nobody” in its name" in page.locator("#none").inner_text()
                page.locator("#search").fill("shed")
                page.keyboard.press("Tab")
                link = page.evaluate("document.activeElement.href")
                assert link == f"http://127.0.0.1:{pis[4].port}/"
                assert "open-sesame" not in page.content()


def test_tile_keeps_the_focus_while_others_move_and_a_hub_that_is_gone_is_told(
    tmp_path, jpeg, browser
):
    pis = [SimulatedPi(metrics(name), jpeg) for name in ("A", "B", "C")]
    with serving_pis(pis), contextlib.ExitStack() as stack:
        with serving_hub(tmp_path, [pi.line for pi in pis]) as visitor:
            wait_until(lambda: len(visitor.tiles()) == 3)
            page = stack.enter_context(
                opened(browser, f"http://{visitor.hub.endpoint.address}/", DESK)
            )
            wait_until(lambda: names_on(page) == ["A", "B", "C"])
            page.locator(".tile img").nth(2).wait_for()
            assert page.locator("#sentence").inner_text() == "All 3 Pis are well"
            page.locator(".tile").nth(1).focus()
            pis[2].text = metrics("C", camera_lost=1)
            wait_until(lambda: names_on(page) == ["C", "A", "B"])
            assert page.evaluate("document.activeElement.innerText").startswith("B\n")
            (tmp_path / "pis.txt").write_text(f"{pis[1].line}\n{pis[2].line}\n")
            wait_until(lambda: names_on(page) == ["C", "B"])
            assert page.evaluate("document.activeElement.innerText").startswith("B\n")
        wait_until(lambda: page.locator("#status").inner_text() == "Hub out of reach")
