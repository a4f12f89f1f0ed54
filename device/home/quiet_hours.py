"""Quiet hours: a part of each day in which nobody is to be woken."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

PATTERN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time of day up to another, which may be of the day after; local time."""

    begin: datetime.time
    end: datetime.time

    def holds(self, moment: datetime.time) -> bool:
        """Whether ``moment`` is within; the end is not."""
        if self.begin <= self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


def parse_quiet_hours(text: str) -> QuietHours:
    """Read such as ``22:00-07:00``. Raises ``ValueError``."""
    found = PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not from when to when, such as 22:00-07:00")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    return QuietHours(datetime.time(hour, minute), datetime.time(end_hour, end_minute))
