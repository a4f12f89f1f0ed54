from __future__ import annotations

from pathlib import Path

import pytest

from device.outputs.file_names import event_name, name_for, partial_of, series_pattern


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("cat-20261121T143000Z.mp4", True),
        ("a+b-20261121T143000Z.partial.mp4", True),
        ("dog-20261121T143000Z.mp4", False),
        ("cat-20261121T143000Z.mp4.bak", False),
        ("cat-20261121T143000.mp4", False),
        ("aab-20261121T143000Z.mp4", False),
        ("cat-20261121T143000Zxmp4", False),
    ],
)
def test_pattern_is_of_these_names_alone(name, matches):
    match = series_pattern(["cat", "a+b"], ".mp4").fullmatch(name)
    assert (match is not None) == matches
    assert match is None or match[1] == "20261121T143000Z"


def test_label_becomes_a_name_without_separators():
    assert name_for("tench, Tinca/tinca") == "tench_Tinca_tinca"
    assert name_for("Gemüse") == "Gemüse"


def test_video_under_way_keeps_its_ending_and_folder():
    assert partial_of(Path("a/b.c.mp4")) == Path("a/b.c.partial.mp4")


@pytest.mark.parametrize(
    ("label", "run_name", "expected"),
    [
        ("cat", "", "cat"),
        ("hot dog", "", "hot_dog"),
        ("cat", "Back garden", "Back_garden-cat"),
        ("cat", "../\u732b", "_\u732b-cat"),
    ],
)
def test_event_is_named_by_its_run_and_label_and_leads_nowhere_else(label, run_name, expected):
    assert event_name(label, run_name) == expected
