from __future__ import annotations

import pytest

from device.outputs.file_names import (
    event_name,
    in_utc,
    name_for,
    series_pattern,
    stamp,
)


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("cat-20261121T143000Z.mp4", True),
        ("a+b-20261121T143000Z.partial.mp4", True),
        ("cat-20261121T153000+0100.mp4", True),
        ("cat-20261121T153000+01.mp4", False),
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
    assert match is None or in_utc(match[1]) == "20261121T143000Z"


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("time_s", "utc", "local"),
    [
        (1_795_271_400.5, "20261121T143000Z", "20261121T153000+0100"),
        (1_792_888_200.0, "20261025T003000Z", "20261025T023000+0200"),  # clocks go back at 1:00 UTC
        (1_792_891_800.0, "20261025T013000Z", "20261025T023000+0100"),
    ],
)
def test_time_of_a_name_is_in_utc_or_the_machines_own(time_s, utc, local):
    assert stamp(time_s) == utc
    assert stamp(time_s, local=True) == local
    assert in_utc(local) == in_utc(utc) == utc


@pytest.mark.parametrize("text", ["1", "20261341T143000Z", "00010101T000000+2359", "x"])
def test_what_is_no_time_stays_as_it_is(text):
    assert in_utc(text) == text


def test_label_becomes_a_name_without_separators():
    assert name_for("tench, Tinca/tinca") == "tench_Tinca_tinca"
    assert name_for("Gemüse") == "Gemüse"


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
