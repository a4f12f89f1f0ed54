"""Runs with a live page, standing for as long as a file's tests take."""

from __future__ import annotations

import pytest

from tests.helpers.browser import PHONE, open_browser
from tests.helpers.children import PATIENCE_S
from tests.helpers.live_page import visit


@pytest.fixture(autouse=True, scope="module")
def no_token():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LITEBERRY_TOKEN", raising=False)
        yield


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy for a while is no lost camera."""
    monkeypatch.setattr("device.pipeline.history.STALE_AFTER_S", 1e6)
    monkeypatch.setattr("device.web.snapshot.SNAPSHOT_TIMEOUT_S", PATIENCE_S)


@pytest.fixture
def unhurried_farewell(monkeypatch):
    """A browser that is busy for a while is told all the same that the run has ended."""
    monkeypatch.setattr("device.web.broadcast.FAREWELL_S", PATIENCE_S)


@pytest.fixture(scope="module")
def standing(bundle_dir, no_token):
    with visit(bundle_dir) as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        yield run


@pytest.fixture
def run(standing):
    """A run as if it had just begun: starting one for each test would take its time."""
    yield standing
    standing.scene.shows = "cat"
    standing.change({"threshold": 0.5, "classes": [], "variant": "int8"})
    standing.until(lambda: not standing.page.feed.audience.viewers)


@pytest.fixture(scope="module")
def locked(bundle_dir, no_token):
    with visit(bundle_dir, token="open-sesame") as run:
        yield run


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn") / "zones.toml"


@pytest.fixture(scope="module")
def drawing(bundle_dir, no_token, zones):
    with visit(bundle_dir, zones=zones) as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        yield run


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser):
    """Opens a page on a screen of its own, and fails if the browser found anything amiss."""
    contexts, complaints = [], []

    def note(text):
        # Chromium's words on a field that the test was faster to fill than the page to focus, and
        # on a server that ended before the page was closed.
        if not text.startswith("Autofocus") and "ERR_CONNECTION_REFUSED" not in text:
            complaints.append(text)

    def open_page(link, size_wh=PHONE, image=True, script="", **options):
        width, height = size_wh
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(script)
        page.set_default_timeout(100_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: note(message.text))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(link)
        if image:
            page.locator("#picture[data-frame]").wait_for()
        return page

    requests = []
    open_page.requests, open_page.complaints = requests, complaints
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
