from __future__ import annotations

import msgspec
import pytest

from convert.errors import EvaluationError
from convert.slimming.log import (
    SLIMMING,
    SlimmingLog,
    TrialFigures,
    format_kept,
    format_trials,
    read_log,
    write_log,
)

TRIALS = (
    TrialFigures("160px", 160, 0.2766, 71_380_000, 4_295_284, 0.02, 0.5),
    TrialFigures("160px-21", 160, 0.2075, 53_500_000, 3_100_000, 0.05, 0.9, kept=True),
)
LOG = SlimmingLog(
    "build/own",
    "mAP",
    "pi4",
    40,
    0,
    1.0,
    0.9,
    (0.1, 1.8),
    0.8,
    1.0,
    None,
    None,
    258_000_000,
    TRIALS,
)


def test_log_is_read_as_it_was_written(tmp_path):
    write_log(LOG, tmp_path)
    assert read_log(tmp_path) == LOG


@pytest.mark.parametrize(
    ("expected", "drop", "interval", "loses"),
    [
        (0.9, 3.0, (-0.5, 5.0), 0.9),  # may have been bad luck
        (0.9, 3.0, (1.1, 5.0), 1.1),
        (0.9, 1.2, None, 1.2),
    ],
)
def test_int8_loses_what_is_expected_or_what_luck_does_not_explain(expected, drop, interval, loses):
    log = msgspec.structs.replace(
        LOG, int8_expected=expected, int8_drop=drop, int8_drop_interval=interval
    )
    assert log.int8_loses == loses


def test_log_from_before_int8_was_looked_at_is_still_read(tmp_path):
    fields = msgspec.to_builtins(LOG)
    del fields["int8_expected"]
    (tmp_path / SLIMMING).write_bytes(msgspec.json.encode(fields))
    assert read_log(tmp_path) == LOG


def test_what_is_kept_is_told_with_what_int8_lost_and_is_expected_to():
    log = msgspec.structs.replace(
        LOG, instructions=53_210_000, int8_drop=1.2, int8_drop_interval=(-0.1, 2.0)
    )
    log = msgspec.structs.replace(log, int8_expected=0.9, int8_against="float32")
    assert format_kept(log, TRIALS[1], 0.5).splitlines() == [
        "kept        160px-21: 0.207 times the cost, 53.21 million counted",
        "            int8 lost 1.20 points of mAP (95 % of resamples: -0.10 to 2.00), 0.90 to be "
        "expected, compared with the whole network's float32, on 40 pictures",
        "            0.500 times the time of one invoke here",
    ]
    log = msgspec.structs.replace(log, max_drop=None, instructions=None)
    assert "to be expected" not in format_kept(log, TRIALS[1], None)
    assert "counted" not in format_kept(log, TRIALS[1], None)


def test_bundle_that_nobody_made_smaller_has_none(tmp_path):
    assert read_log(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"[]", b'{"source": 1}', b"\xff"])
def test_damaged_log_is_said_in_one_line(data, tmp_path):
    (tmp_path / SLIMMING).write_bytes(data)
    with pytest.raises(EvaluationError, match="slim again, or remove it"):
        read_log(tmp_path)


def test_table_has_a_row_for_each_network_and_marks_the_one_kept():
    lines = format_trials(TRIALS).splitlines()
    assert lines[1].split() == ["160px", "160", "0.277", "71.4", "M", "4,295,284", "0.50"]
    assert lines[2].split()[-1] == "kept"
    assert len(lines) == 3
