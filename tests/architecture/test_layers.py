"""Rooms and their order: which package may import which, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.architecture.imports_graph import imports, module_paths

# Lowest first; rooms on one line do not import each other. A room may import what lies below it.
DEVICE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "files", "file_search", "paths", "suggestions"),
    ("schema", "runtimes", "records"),
    ("orientation", "image_header", "file_kinds", "foreign_formats", "compiled_model"),
    ("json_text", "toml_file"),
    ("images", "image_hash", "drawing"),
    ("charts", "system"),
    ("bundle",),
    ("inference",),
    ("tracking",),
    ("visits", "events"),
    ("inspection", "cameras", "outputs"),
    ("pipeline",),
    ("web", "home", "bench", "doctor"),
    ("hub",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
CONVERT_LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "output_capture", "reference"),
    ("catalogue", "duplicate_files", "side_file"),
    ("models", "calibration", "annotations", "quantization"),
    ("training",),
    ("compression",),
    ("evaluation", "arm"),
    ("build",),
    ("tuning",),
    ("slimming",),
    ("report",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LAYERS = {"device": DEVICE_LAYERS, "convert": CONVERT_LAYERS}


def room_of(module: str) -> str:
    """The package below `device` or `convert` that a module lies in, or the module itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def height_of(module: str) -> int:
    """The number of a module's layer, from 0; -1 for the package itself, which all may import."""
    room = room_of(module)
    if not room:
        return -1
    package = module.split(".")[0]
    for height, layer in enumerate(LAYERS[package]):
        if room in layer:
            return height
    pytest.fail(f"{module}: its room is in no layer; see docs/architecture.md")


def test_every_module_lies_in_a_layer():
    for module in module_paths():
        height_of(module)


def test_device_never_imports_convert():
    wrong = [i for i in imports() if i.importer.startswith("device") and "convert" in i.imported]
    assert not wrong


@pytest.mark.parametrize("package", ["device", "convert"])
def test_rooms_import_only_what_lies_below_them(package):
    wrong = sorted(
        {
            f"{i.importer} -> {i.imported}"
            for i in imports()
            if i.importer.startswith(package)
            and i.imported.startswith(package)
            and room_of(i.importer) != room_of(i.imported)
            and height_of(i.imported) >= height_of(i.importer)
        }
    )
    assert not wrong, "\n".join(wrong)


def test_no_import_circle():
    """Lazy imports and those for type checkers included: a reader follows them too."""
    below = defaultdict(set)
    for i in imports():
        below[i.importer].add(i.imported)
    circles = []
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            circles.append(" -> ".join((*path[path.index(module) :], module)))
        elif module not in done:
            for other in sorted(below[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(below):
        visit(module, ())
    assert not circles, "\n".join(circles)


def test_packages_hold_a_docstring_only():
    for module, path in module_paths().items():
        if path.name != "__init__.py":
            continue
        docstring, *rest = ast.parse(path.read_text("utf-8")).body
        assert isinstance(docstring, ast.Expr), module
        names = [
            target.id
            for node in rest
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        # The version stands where pyproject.toml and every `--version` read it.
        assert names == (["__version__"] if module == "device" else []), module
        assert len(names) == len(rest), module


def test_no_two_public_classes_share_a_name():
    homes = defaultdict(list)
    for module, path in module_paths().items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    shared = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert not shared
