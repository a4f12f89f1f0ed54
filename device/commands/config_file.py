"""The config file: settings of every flag of a command, by its name, in TOML.

A file is read as if its settings were typed before the flags: what argparse checks in a flag it
checks in a file, and a flag that is typed too comes later and wins. What a table holds is named
after it: ``host`` in ``[mqtt]`` is the flag ``--mqtt-host``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from device.commands.name_lists import join_names
from device.commands.parser import StrictParser
from device.suggestions import did_you_mean
from device.system.toml_text import tables_text

NOT_SETTINGS = ("help", "config", "print_config", "debug")
# Between the parts of a flag's value, where it is not a comma.
SEPARATORS = {"size": "x", "input_size": "x"}


class ReplacingAppend(argparse._AppendAction):
    """A flag that may be given often; typed, it replaces all that a file has of it."""


class ConfigurableParser(StrictParser):
    """A command's parser that also reads ``--config``, once :meth:`add_config` was called."""

    tables: Sequence[str] = ()  # names of the arrays of tables that a file may have
    replaces: Mapping[str, str] = {}  # table -> the flag that is not needed beside it, nor allowed

    def add_config(
        self, tables: Sequence[str] = (), replaces: Mapping[str, str] | None = None
    ) -> None:
        """Add ``--config`` and ``--print-config``.

        What a file has in arrays of ``tables`` is in ``args.tables``, by name, unchecked. One that
        ``replaces`` a flag stands for it; where that is typed, it wins.
        """
        self.tables, self.replaces = tables, replaces or {}
        self.set_defaults(tables={})
        self.add_argument(
            "--config",
            type=Path,
            metavar="FILE.toml",
            help="settings, by the names of the flags; a flag that is given too wins",
        )
        self.add_argument(
            "--print-config",
            action="store_true",
            help="print the settings in force as such a file, and do nothing else",
        )

    def parse_known_args(  # type: ignore[override]  # argparse's stub has overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse ``args``, after the settings of the file that they name; none may be unknown."""
        configurable = "--config" in self._option_string_actions
        if configurable:
            words = list(args or ())
            args = self._words_of_file(words) + words
        parsed, rest = super().parse_known_args(args, namespace)
        if not configurable:
            return parsed, rest
        if getattr(parsed, "print_config", False):
            sys.stdout.write(self._as_toml(parsed))
            self.exit()
        for name, action in self._settings().items():
            if action.nargs == "?" and getattr(parsed, name) is None:
                self.error(f"{action.metavar} is missing: as an argument, or as {name} in a file")
        return parsed, rest

    def _words_of_file(self, words: Sequence[str]) -> list[str]:
        finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        finder.add_argument("--config", type=Path)
        path = finder.parse_known_args(words)[0].config
        if path is None:
            return []
        from device.toml_file import TomlError, read_toml

        try:
            settings = read_toml(path)
        except OSError as exc:
            self.error(f"--config {path}: {exc.strerror}")
        except TomlError as exc:
            self.error(f"--config {path} is not TOML: {exc}")
        if _has_null(settings):
            self.error(f"--config {path}: a character of number zero is in it, which no name has")
        tables = self._take_tables(path, settings)
        self._drop_replaced(path, words, settings, tables)
        self.set_defaults(tables=tables)
        return self.words_of(settings, f"--config {path}")

    def _drop_replaced(
        self,
        path: Path,
        words: Sequence[str],
        settings: dict[str, Any],
        tables: dict[str, list[object]],
    ) -> None:
        """Take what a typed flag replaces out of ``settings`` and ``tables``."""
        flags = {word.partition("=")[0] for word in words}
        for name, action in self._settings().items():
            if isinstance(action, ReplacingAppend) and flags & set(action.option_strings):
                settings.pop(name, None)
                for table in [key for key, flag in self.replaces.items() if flag == name]:
                    tables.pop(table, None)
        for table, flag in self.replaces.items():
            if table in tables and flag in settings:
                self.error(f"--config {path}: {flag} beside [[{table}]]: write it into one of them")
            self._settings()[flag].required = table not in tables

    def words_of(self, settings: Mapping[str, Any], where: str) -> list[str]:
        """``settings`` as they would be typed; ends where one is unknown in ``where`` they are."""
        found: list[str] = []
        for name, value in self._flat(settings):
            action = self._settings().get(name)
            if action is None:
                hint = did_you_mean(name, self._settings())
                self.error(f"{where}: no setting is called {name!r}{hint}")
            is_switch = isinstance(action, argparse.BooleanOptionalAction)
            if is_switch != isinstance(value, bool) or isinstance(value, dict):
                expected = "true or false is" if is_switch else "a number or text is"
                self.error(f"{where}: {name} = {json.dumps(value)}: {expected} expected")
            if isinstance(value, list) and isinstance(action, argparse._AppendAction):
                found += [f"{action.option_strings[-1]}={item}" for item in value]
                continue
            if isinstance(value, list):
                value = _joined(name, value)
            if isinstance(value, str) and value.startswith("~/"):
                # No shell has read it. A Path would drop the last slash, by which a folder is told.
                value = os.path.expanduser(value)  # noqa: PTH111
            if not action.option_strings:
                self.set_defaults(**{name: str(value)})
            elif is_switch:
                found.append(action.option_strings[0 if value else 1])
            else:
                found.append(f"{action.option_strings[-1]}={value}")
        return found

    def _flat(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Settings by the names of their flags, out of the tables that they stand in."""
        for name, value in settings.items():
            if isinstance(value, dict) and name not in self._settings():
                yield from ((f"{name}_{key}", item) for key, item in value.items())
            else:
                yield name, value

    def _take_tables(self, path: Path, settings: dict[str, Any]) -> dict[str, list[object]]:
        """Take what is in tables out of ``settings``."""
        found = {}
        for name in self.tables:
            if (value := settings.pop(name, None)) is None:
                continue
            if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
                self.error(f"--config {path}: {name} is expected as tables, each under [[{name}]]")
            found[name] = value
        return found

    def _as_toml(self, parsed: argparse.Namespace) -> str:
        lines = []
        for name in self._settings():
            value = getattr(parsed, name)
            if value is None:
                continue
            action = self._settings()[name]
            if isinstance(action, ReplacingAppend) and len(value) == 1:
                (value,) = value
            elif isinstance(action, argparse._AppendAction):
                lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}\n")
                continue
            if isinstance(value, tuple | list):
                value = _joined(name, value)
            # JSON's numbers, booleans and strings are TOML's too.
            text = value if isinstance(value, int | float) else str(value)
            lines.append(f"{name} = {json.dumps(text, ensure_ascii=False)}\n")
        lines.append(tables_text(getattr(parsed, "tables", {})))
        return "".join(lines)

    def _settings(self) -> Mapping[str, argparse.Action]:
        """What a file may set, by name: the flags, and what the command is run on."""
        return {action.dest: action for action in self._actions if action.dest not in NOT_SETTINGS}


def _has_null(value: object) -> bool:
    """Whether a character of number zero is in a text of ``value``, a table or a list."""
    if isinstance(value, dict):
        return any(map(_has_null, (*value, *value.values())))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return isinstance(value, str) and "\0" in value


def _joined(name: str, values: Iterable[object]) -> str:
    """The parts of a flag's value, as it is typed."""
    if name in SEPARATORS:
        return SEPARATORS[name].join(map(str, values))
    return join_names(values)
