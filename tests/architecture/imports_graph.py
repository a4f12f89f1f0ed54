"""The import graph of `device` and `convert`, read from their sources; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("device", "convert")


@dataclass(frozen=True)
class Import:
    """That one module imports another; ``lazily``: in a function or for type checkers alone."""

    importer: str
    imported: str
    lazily: bool


def module_paths() -> dict[str, Path]:
    """The source of every module of both packages, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imports() -> list[Import]:
    """Every import of one module of ours by another."""
    paths = module_paths()
    return [
        Import(importer, imported, lazily)
        for importer, path in paths.items()
        for imported, lazily in _imports_of(path, paths)
        if imported != importer
    ]


def _imports_of(path: Path, known: dict[str, Path]) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(path.read_text("utf-8"))
    eager = set(map(id, _eager_nodes(tree)))
    for node in ast.walk(tree):
        lazily = id(node) not in eager
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                if whole in known:
                    yield whole, lazily
                elif node.module in known:
                    yield node.module, lazily
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name in known:
                    yield name.name, lazily


def _eager_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run when the module is imported."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
