from __future__ import annotations

import msgspec
import pytest

from convert.errors import EvaluationError
from convert.slimming.log import (
    SLIMMING,
    SlimmingLog,
    TrialFigures,
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
