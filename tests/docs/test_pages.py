"""The pages hang together: linked files are there, every page is in the index, the README is short."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MOST_LINES_OF_README = 200


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as repository pages make them."""
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text("utf-8")), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_modules_that_pages_name_exist(page):
    for path in re.findall(r"`((?:device|convert|tests|benchmarks)/[\w/.]+)`", page.read_text()):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_pages_import_is_there(page):
    text = page.read_text("utf-8")
    for module, names in re.findall(r"^from ((?:device|convert)[\w.]*) import (.+)$", text, re.M):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", index))


def test_readme_is_short_and_shows_the_whole_road_first():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= MOST_LINES_OF_README
    first_screen = "\n".join(lines[:30])
    for step in ("make demo", "device detect", "convert build", "./deploy.sh", "make test"):
        assert step in first_screen, step


def test_rooms_of_the_architecture_page_are_the_rooms_of_the_layers():
    from tests.architecture.test_layers import LAYERS

    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for package, layers in LAYERS.items():
        table = text.split(f"| `{package}` | what is in it |")[1].split("\n\n")[0]
        told = {
            name.rstrip("/")
            for row in table.splitlines()[2:]
            for name in re.findall(r"`([\w/]+)`", row.split("|")[1])
        }
        assert told == {room for layer in layers for room in layer} - {"__main__"}, package
