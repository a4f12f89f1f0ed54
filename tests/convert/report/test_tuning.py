from __future__ import annotations

from convert.report.tuning import tuning
from convert.tuning.log import TrialRecord, TuningLog, finalists


def test_report_shows_the_search_and_a_page_without_one_does_not():
    rows = (
        TrialRecord("a", "as <b>", 1.0, 0.5, 10, drop_seen=0.5, drop_unseen=0.6),
        TrialRecord("c", "float32: 1", 1.3, 0.1, 10, frontier=True, drop_seen=0.1, drop_unseen=0.2),
        TrialRecord("d", "float32: 2", 1.4, 0.3, 10),
    )
    log = TuningLog(
        "mAP", "time", 0.3, 0, 9, 0.5, (0.1, 0.9), 0.2, (0.0, 0.4), True, True, "c", (rows,), 2.5
    )
    page = tuning(log)
    assert "<b>" not in page
    assert page.count("<circle") == len(finalists(log)) + len(rows) + 1
    assert ">float32</text>" in page
    assert 'r="5" class="dot accent"' in page
    assert "(95 % of resamples: 0.00 to 0.40)" in page
    assert tuning(None) == ""
