"""What the tests of this package share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.doctor.trial import (
    Attempt,
)
from device.runtimes import ORIGINS
from tests.helpers.boards import lay_out


def only(findings: object) -> Finding:
    (finding,) = findings
    return finding


def of(root: Path, **changes: object) -> Case:
    return dataclasses.replace(Case.here(root=root), **changes)


def with_board(case: Case, **changes: object) -> Case:
    return dataclasses.replace(case, board=dataclasses.replace(case.board, **changes))


@pytest.fixture
def pi_4(tmp_path) -> Case:
    return of(lay_out("pi_4", tmp_path))


LITERT, TFLITE_RUNTIME, _, TENSORFLOW = (origin.module for origin in ORIGINS.values())


def case_of(trials: Mapping[str, Attempt], **changes: Any) -> Case:
    case = Case.here()
    case = dataclasses.replace(
        case, board=dataclasses.replace(case.board, model=changes.pop("model", None)), **changes
    )
    case.__dict__["imports"] = dict(trials)  # where the property would keep them
    return case


def by_verdict(findings: Any) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.verdict, []).append(finding)
    return found


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put modules where children look first: in place of the real ones.

    Both interpreters are replaced at once by some that do nothing, which are quicker.
    """
    folder = tmp_path / "packages"
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def put(path: str, code: str) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(code)

    for name in ("ai_edge_litert", "tflite_runtime"):
        put(f"{name}/__init__.py", "")
        put(f"{name}/interpreter.py", "from unittest.mock import MagicMock as Interpreter")
    return put
