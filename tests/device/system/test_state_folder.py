from __future__ import annotations

from pathlib import Path

import pytest

from device.system.state_folder import state_folder


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("/srv/state", "/srv/state/liteberry"), ("state", None), ("", None)],
)
def test_folder_is_the_one_named_where_that_is_absolute(monkeypatch, variable, expected):
    monkeypatch.setenv("XDG_STATE_HOME", variable)
    assert state_folder() == Path(expected or Path.home() / ".local/state/liteberry")
