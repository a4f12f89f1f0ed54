"""Runs with a live page, standing for as long as a file's tests take."""

from __future__ import annotations

import pytest

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
