"""A module's tests lie where a reader looks for them: in `tests/`, at the module's own place."""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture.imports_graph import module_paths
from tests.conftest import ROOT

CODE = ast.FunctionDef | ast.AsyncFunctionDef


def test_every_module_with_code_has_its_tests_in_the_mirrored_place():
    missing = []
    for path in module_paths().values():
        if path.name in ("__init__.py", "__main__.py"):
            continue
        # Types, constants and errors alone do nothing that could be wrong.
        has_code = any(
            isinstance(node, CODE) for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
        place = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        if has_code and not _has_tests(place):
            missing.append(str(place.relative_to(ROOT)))
    assert not missing, "no tests in\n" + "\n".join(missing)


def test_no_folder_of_tests_is_passed_over(pytestconfig):
    patterns = pytestconfig.getini("norecursedirs")
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert len(folders) > 20
    passed_over = [
        str(folder.relative_to(ROOT))
        for folder in folders
        if any(
            fnmatch(part, pattern)
            for part in folder.relative_to(ROOT).parts
            for pattern in patterns
        )
    ]
    assert not passed_over


def _has_tests(place: Path) -> bool:
    if not place.is_file():
        return False
    tree = ast.parse(place.read_text("utf-8"))
    return any(isinstance(node, CODE) and node.name.startswith("test_") for node in ast.walk(tree))
