from __future__ import annotations

import pytest

from device.errors import SinkError, UsageError
from device.visits.plan_file import read_places, write_places

PLACES = {
    "zone": [{"name": 'till "1"', "points": [[0.1, 0.2]], "threshold": {"dining table": 0.5}}],
    "mask": [{"points": [[0, 0]]}],
}


def test_places_are_read_back_as_they_were_written_and_rules_are_not(tmp_path):
    path = tmp_path / "zones.toml"
    write_places(path, {**PLACES, "rule": [{"name": "r"}]})
    assert read_places(path) == PLACES
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_is_not_there_yet_has_no_places(tmp_path):
    assert read_places(tmp_path / "zones.toml") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = [", "is not TOML"),
        ("[[rule]]\nname = 'r'", "'rule' is not expected"),
        ("zone = 1", "expected as tables"),
        ("zone = [1]", "expected as tables"),
    ],
)
def test_file_that_cannot_be_read_is_refused(tmp_path, text, words):
    path = tmp_path / "zones.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_places(path)


def test_place_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "zones.toml").mkdir()
    with pytest.raises(SinkError, match="the zones stay as they were"):
        write_places(tmp_path / "zones.toml", PLACES)
