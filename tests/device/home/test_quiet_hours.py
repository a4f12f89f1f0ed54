import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.home.quiet_hours import parse_quiet_hours


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("22:00-07:00", "23:30", True),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("22:00-07:00", "12:00", False),
        ("13:00-15:30", "14:00", True),
        ("13:00-15:30", "15:30", False),
        ("13:00-15:30", "12:59", False),
        ("00:00-00:00", "00:00", False),
    ],
)
def test_time_of_day_is_quiet_or_not(text, moment, expected):
    assert parse_quiet_hours(text).holds(datetime.time.fromisoformat(moment)) is expected


@pytest.mark.parametrize(
    "text", ["", "22-7", "22:00", "24:00-07:00", "22:60-07:00", "a-b", "1:00-2:00"]
)
def test_text_that_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match="such as 22:00-07:00"):
        parse_quiet_hours(text)


@given(st.times(), st.times(), st.times())
def test_hours_and_the_rest_of_the_day_are_each_others_opposite(begin, end, moment):
    begin, end = (time.replace(second=0, microsecond=0, tzinfo=None) for time in (begin, end))
    if begin == end:
        return
    inside = parse_quiet_hours(f"{begin:%H:%M}-{end:%H:%M}")
    outside = parse_quiet_hours(f"{end:%H:%M}-{begin:%H:%M}")
    assert inside.holds(moment) != outside.holds(moment)
