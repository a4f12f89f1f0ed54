from __future__ import annotations

import dataclasses

import pytest

from device.doctor import examination
from device.doctor.case import Case, Python
from device.doctor.examination import CHECKS, examine
from device.doctor.finding import Finding
from device.doctor.report import format_text
from device.doctor.trial import Attempt
from tests.conftest import ROOT
from tests.helpers.boards import NAMES, lay_out


def test_every_check_is_documented():
    page = (ROOT / "docs/doctor.md").read_text()
    names = [check.__name__.removeprefix("check_").replace("_", " ") for check in CHECKS]
    assert [name for name in [*names, "variants"] if f"| {name} |" not in page] == []


@pytest.mark.parametrize(
    ("name", "problems"),
    [("pi_zero_2_w", []), ("pi_3", ["python"]), ("pi_4", []), ("pi_5", [])],
)
def test_recorded_board_has_the_problems_it_was_made_with(tmp_path, name, problems):
    case = Case.here(root=lay_out(name, tmp_path))
    case = dataclasses.replace(
        case,
        folder=tmp_path,
        python=Python((3, 9, 2) if name == "pi_3" else (3, 11, 2), 64, "python3", None, True),
    )
    works = Attempt(facts={"version": "1", "packages": ["opencv 4"], "windows": False})
    modules = ("numpy", "msgspec", "cv2", "tornado", "prometheus_client", "picamera2")
    case.__dict__["imports"] = dict.fromkeys(
        [*modules, "ai_edge_litert.interpreter", "tflite_runtime.interpreter"], works
    )
    findings = list(examine(case))
    assert [item.check for item in findings if item.verdict == "problem"] == problems
    assert not [item for item in findings if "the check failed" in item.found]
    assert len(format_text(case, findings, 80, colour=False).splitlines()) > len(findings)


def test_names_cover_all_recorded_boards():
    assert set(NAMES) == {path.stem for path in (ROOT / "tests/helpers/boards").glob("*.toml")}


def test_check_that_fails_does_not_end_the_others(monkeypatch):
    def check_nothing(case):
        raise RuntimeError("no such thing")
        yield

    def check_something(case):
        yield Finding("something", "ok", "found")

    monkeypatch.setattr(examination, "CHECKS", (check_nothing, check_something))
    failed, found = examine(Case.here())
    assert failed == Finding("nothing", "unknown", "the check failed: RuntimeError: no such thing")
    assert found.verdict == "ok"
