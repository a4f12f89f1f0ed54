from __future__ import annotations

import json
import re

from device.doctor.case import Case
from device.doctor.finding import Finding, worst
from device.doctor.report import format_json, format_text
from tests.conftest import ROOT

MIXED = [
    Finding("disk", "problem", "full", "rm"),
    Finding("port", "ok", "free"),
    Finding("governor", "unknown", "no cpufreq"),
    Finding("clock", "warning", "not set " * 20, "sudo a-very-long command " * 8),
]


def test_gravest_come_last_and_are_counted():
    lines = format_text(Case.here(), MIXED, 100, colour=False).splitlines()
    labels = [line.split()[0] for line in lines if re.match("[?!X] |  ok ", line)]
    assert labels == ["ok", "?", "!", "X"]
    assert lines[-1] == "1 problem, 1 warning, 1 could not be checked, 1 ok"


def test_text_is_wrapped_and_commands_are_not():
    lines = format_text(Case.here(), MIXED, 80, colour=False).splitlines()
    commands = [line for line in lines if "-> " in line]
    assert all(len(line) <= 80 for line in lines if line not in commands)
    assert any(line.endswith("-> " + MIXED[3].mend) for line in commands)


def test_colour_only_adds_to_what_is_told():
    plain = format_text(Case.here(), MIXED, 80, colour=False)
    coloured = format_text(Case.here(), MIXED, 80, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31;1mX PROBLEM" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_worst_verdict_is_that_of_all():
    assert worst(MIXED) == "problem"
    assert worst(MIXED[1:]) == "warning"
    assert worst([]) == "ok"


def test_every_key_of_the_json_is_documented():
    page = (ROOT / "docs/doctor.md").read_text()
    report = json.loads(format_json(Case.here(), MIXED))
    keys = {*report, *report["findings"][0], *report["board"], *report["state"]}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
