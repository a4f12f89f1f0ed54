"""The command-line parser: takes no abbreviations, and names what was most likely meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from device.suggestions import did_you_mean

# Flags of other detectors -> the flag here and a word about it, or why there is none.
ELSEWHERE = {
    "--conf": "--threshold, the least score",
    "--conf-thres": "--threshold, the least score",
    "--confidence": "--threshold, the least score",
    "--imgsz": "--input-size, of a model that takes any",
    "--iou": "how far boxes may overlap is part of the model",
    "--iou-thres": "how far boxes may overlap is part of the model",
}


class StrictParser(argparse.ArgumentParser):
    """A parser whose flags are spelt out: a beginning of one may be meant for another program."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """End with 2 and one line: all the flags there are would push it off the screen."""
        message = self._missing(message) or message
        see = " See" if message.endswith("?") else "; see"
        self.exit(2, f"error: {message}{see} {self.prog} --help\n")

    def _missing(self, message: str) -> str:
        """What to give for the first argument that ``message`` says is missing; else empty."""
        if not (found := re.search("arguments are required: ([^, ]+)", message)):
            return ""
        name = found[1]
        for action in self._actions:
            if name in (action.metavar, *action.option_strings):
                choices = ", ".join(map(str, action.choices or ()))
                given = f"{name} {action.metavar or ''}".strip() if action.option_strings else name
                told = choices or action.help
                return f"{given} is missing{f': {told}' if told else ''}"
        return ""

    def parse_known_args(  # type: ignore[override]  # argparse's stub has overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse ``args``, none of which may be unknown."""
        words = list(sys.argv[1:] if args is None else args)
        self._refuse_unknown_flags(words)
        parsed, rest = super().parse_known_args(words, namespace)
        if rest:  # here, not in the parser above: this one's --help lists what there is
            hint = ""
            if "--source" in self._option_string_actions:
                hint = (
                    ": behind --source comes one name, of several a pattern in quotes ('photos/*')"
                )
            self.error(f"unrecognized arguments {' '.join(rest)}{hint}")
        return parsed, rest

    def _refuse_unknown_flags(self, words: Sequence[str]) -> None:
        """End where a flag is unknown, before argparse misses the one that was meant."""
        if self._subparsers is not None:  # its own words are few, and the rest is the command's
            return
        for word in words:
            if word == "--":
                return
            if self._is_unknown_flag(word):
                self.error(self._about_flag(word.partition("=")[0]))

    def _is_unknown_flag(self, word: str) -> bool:
        # As argparse decides what is a flag: a space or a number makes it a value.
        if len(word) < 2 or word[0] not in self.prefix_chars or " " in word:
            return False
        known = self._option_string_actions
        flag = word.partition("=")[0]
        if flag in known or (word[1] not in self.prefix_chars and word[:2] in known):
            return False
        return not re.fullmatch(r"-\d+|-\d*\.\d+", word)

    def _about_flag(self, flag: str) -> str:
        hint = did_you_mean(flag, self._option_string_actions)
        if elsewhere := ELSEWHERE.get(flag):
            target = elsewhere.partition(",")[0]
            if not target.startswith("--"):
                hint = f": {elsewhere}"
            elif target in self._option_string_actions:
                hint = f"{hint.rstrip('?')}, or {elsewhere}?" if hint else f"; it is {elsewhere}"
        return f"unrecognized argument {flag}{hint}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of an action's choices, and name the nearest of them."""
        if action.choices is None or value in action.choices:
            return
        names = [str(choice) for choice in action.choices]
        raise argparse.ArgumentError(
            action,
            f"{value} is none of {', '.join(names)}{did_you_mean(str(value), names)}",
        )
