from __future__ import annotations

import re

import msgspec

from convert.report.slimming import slimming
from tests.convert.slimming.test_log import LOG, TRIALS


def test_report_shows_every_network_and_the_whole_one():
    page = slimming(LOG)
    assert page.count("<circle") == 1 + len(TRIALS)
    assert page.count('r="5" class="dot accent"') == 1
    for name in ("whole network", "160px", "160px-21"):
        assert f">{name}</text>" in page
    assert "lost 0.90 points of mAP (95 % of resamples: 0.10 to 1.80) on 40 pictures" in page
    assert "The promise was --max-drop 1. " in page
    assert "Million instructions, Pi 4" in page


def test_cheapest_network_is_the_first_row():
    rows = re.findall(r"<t[dh][^>]*>(160px[^<]*)</t[dh]>", slimming(LOG))
    assert rows == ["160px-21", "160px"]


def test_what_was_counted_and_measured_in_int8_is_told():
    log = msgspec.structs.replace(
        LOG, instructions=53_210_000, int8_drop=0.4, int8_drop_interval=(-0.1, 1.0)
    )
    page = slimming(log)
    assert "53.21 million instructions, counted" in page
    assert "<strong>0.40</strong> (95 % of resamples: -0.10 to 1.00)" in page


def test_names_of_a_log_are_text_and_no_markup():
    log = msgspec.structs.replace(LOG, source="<script>", metric="<b>")
    page = slimming(log)
    assert "<script>" not in page
    assert "<b>" not in page


def test_bundle_of_no_search_has_no_such_part():
    assert slimming(None) == ""
    assert slimming(msgspec.structs.replace(LOG, trials=())) == ""
