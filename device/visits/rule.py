"""Rules in words: ``till 1: more than 4 for 30 s``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device.records import ZoneState

LEAST_HOLD_S = 2.0  # for a condition to be over, where the rule says no time of its own
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
EXAMPLE = "'till 1: more than 4 for 30 s', 'yard: at least 1 dog', 'till 1: wait over 3 min'"

_DURATION = r"(\d+(?:\.\d+)?)\s*(s|min|h)"
_FOR = re.compile(rf"\s+for\s+{_DURATION}\s*$")
_WAIT = re.compile(rf"wait over {_DURATION}")
_COUNT = re.compile(r"(more than|at least|fewer than|at most)\s+(\d{1,4})(?:\s+(\S.*))?")
_WORDS = {"empty": ("at most", 0), "occupied": ("at least", 1)}


class RuleError(ValueError):
    """A rule that cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition on a zone that has to hold for a while."""

    name: str
    place: str
    comparison: str  # more than, at least, fewer than, at most; of a wait: over
    limit: float  # objects, or seconds of waiting
    label: str | None = None  # the class that is counted; None: all
    for_s: float = 0.0

    @property
    def is_of_wait(self) -> bool:
        """Whether it is about how long one waits, not about how many do."""
        return self.comparison == "over"

    def holds(self, count: int, wait_s: float | None) -> bool:
        """Whether the condition holds now, with ``count`` objects of its class inside."""
        if self.comparison == "over":
            return wait_s is not None and wait_s > self.limit
        return {
            "more than": count > self.limit,
            "at least": count >= self.limit,
            "fewer than": count < self.limit,
            "at most": count <= self.limit,
        }[self.comparison]


def parse_rule(name: str, text: str) -> Rule:
    """The rule that ``text`` says. Raises :class:`RuleError`, which names the place."""
    place, colon, rest = text.partition(":")
    if not colon:
        raise RuleError(f"no colon after the name of a zone; expected is e.g. {EXAMPLE}")
    for_s = 0.0
    condition = rest
    if match := _FOR.search(rest):
        for_s = float(match[1]) * UNITS[match[2]]
        condition = rest[: match.start()]
    words = condition.strip()
    comparison, limit, label = _condition(words, len(text) - len(rest.lstrip()) + 1)
    return Rule(
        name=name, place=place.strip(), comparison=comparison, limit=limit, label=label, for_s=for_s
    )


def _condition(words: str, position: int) -> tuple[str, float, str | None]:
    if words in _WORDS:
        comparison, number = _WORDS[words]
        return comparison, number, None
    if match := _WAIT.fullmatch(words):
        return "over", float(match[1]) * UNITS[match[2]], None
    if (match := _COUNT.fullmatch(words)) and " for " not in f" {match[3]} ":
        return match[1], int(match[2]), match[3]
    raise RuleError(f"{words!r}, from character {position} on, is no condition; e.g. {EXAMPLE}")


class RuleWatch:
    """A rule over time: it begins once, and ends once.

    It is in force when its condition has held for ``for_s`` without a break, and over when it
    has not held for as long, two seconds at least: a count that wavers calls nobody twice.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.is_in_force = False
        self._since_s: float | None = None  # that the condition is not as the state says

    def update(self, count: int, state: ZoneState, at_s: float) -> str | None:
        """``began`` or ``ended`` where the state changes at ``at_s``, else None."""
        if self.rule.holds(count, state.wait_s) == self.is_in_force:
            self._since_s = None
            return None
        if self._since_s is None:
            self._since_s = at_s
        needed_s = max(self.rule.for_s, LEAST_HOLD_S) if self.is_in_force else self.rule.for_s
        if at_s - self._since_s < needed_s:
            return None
        self.is_in_force, self._since_s = not self.is_in_force, None
        return "began" if self.is_in_force else "ended"
