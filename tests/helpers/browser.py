"""A browser that looks at pages, and axe-core, which says what in them keeps people out."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PHONE, DESK = (390, 844), (1440, 900)

# Of the texts of charts those that leave their chart, or that another text lies upon.
MISPLACED_TEXTS = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
  const edge = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent,
    text.getBoundingClientRect()]).filter(([said, box]) => box.width > 0);
  const out = texts.filter(([said, box]) => box.left < edge.left - 1 || box.right > edge.right + 1
    || box.bottom > edge.bottom + 1 || box.top < edge.top - 1).map(([said]) => said + " is out");
  const over = texts.flatMap(([said, a], i) => texts.slice(i + 1).filter(([other, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5).map(([other]) =>
      said + " is over " + other));
  return [...out, ...over];
})"""


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(
    browser: Browser, address: Path | str, size_wh: tuple[int, int] = DESK, scheme: str = "light"
) -> Iterator[Page]:
    """A file or address on a screen of ``size_wh`` pixels, in a "light" or "dark" ``scheme``."""
    width, height = size_wh
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",  # what swings has a contrast of each moment
        bypass_csp=True,  # which forbids scripts, those of the tests too
    )
    page = context.new_page()
    page.set_default_timeout(100_000)
    page.goto(address.as_uri() if isinstance(address, Path) else address)
    page.evaluate("document.fonts.ready")
    yield page
    context.close()


def texts_on_grounds(page: Page, kinds: str) -> list[tuple[str, str, str]]:
    """The texts of elements of these ``kinds`` that can be read, their colours and their grounds.

    Left out are those over the live picture, whose grounds change, and those of what is off.
    """
    found = page.evaluate(
        """kinds => [...document.querySelectorAll(kinds)]
        .filter(e => e.innerText?.trim() && e.checkVisibility())
        .filter(e => !e.closest('#viewfinder') && !e.closest(':disabled'))
        .map(e => {
          let ground = e;
          while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)')
            ground = ground.parentElement;
          return [e.innerText, getComputedStyle(e).color, getComputedStyle(ground).backgroundColor];
        })""",
        kinds,
    )
    return [(text, colour, ground) for text, colour, ground in found]


def faint(texts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Those of :func:`texts_on_grounds` with a contrast below 4.5:1; WCAG 2.2."""
    found = []
    for text, colour, ground in texts:
        darker, lighter = sorted((luminance(colour), luminance(ground)))
        if (lighter + 0.05) / (darker + 0.05) < 4.5:
            found.append((text, colour, ground))
    return found


def luminance(colour: str) -> float:
    """Relative, of ``rgb(...)``; WCAG 2.2."""
    levels = [int(level) / 255 for level in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def findings(page: Page) -> list[str]:
    """What axe-core finds amiss: its rule, and where."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    response = axe.Axe().run(page).response
    return [
        f"{rule['id']}: {node['target']}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


def find_in_each_look(page: Page, find: Callable[[Page], list[str]] = findings) -> list[str]:
    """What ``find`` finds on phone and desk, in light and dark."""
    found = []
    for size_wh, scheme in ((PHONE, "light"), (PHONE, "dark"), (DESK, "dark"), (DESK, "light")):
        page.set_viewport_size({"width": size_wh[0], "height": size_wh[1]})
        page.emulate_media(color_scheme=scheme)
        found += [f"{size_wh[0]} {scheme}: {text}" for text in find(page)]
    return found


def find_in_file(browser: Browser, file: Path) -> list[str]:
    """What axe-core and a look at the charts find in a page, unfolded."""
    with opened(browser, file) as page:
        page.evaluate("for (const fold of document.querySelectorAll('.fold')) fold.checked = true")
        return find_in_each_look(page, lambda page: findings(page) + page.evaluate(MISPLACED_TEXTS))
