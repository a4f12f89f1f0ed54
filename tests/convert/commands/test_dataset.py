from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.cli import main
from tests.helpers.outline import Outline

BOX = (
    "<annotation><filename>{name}</filename><size><width>64</width><height>48</height></size>"
    "<object><name>{label}</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>40</xmax>"
    "<ymax>30</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def pictures(tmp_path):
    """Twelve labelled pictures of two classes."""
    folder = tmp_path / "mine"
    folder.mkdir()
    noise = np.random.default_rng(0)
    for number in range(12):
        name, label = f"{number:02}.png", ("cat", "dog")[number % 2]
        cv2.imwrite(str(folder / name), noise.integers(0, 255, (48, 64, 3)).astype(np.uint8))
        (folder / f"{number:02}.xml").write_text(BOX.format(name=name, label=label))
    return folder


def test_classes_are_told_and_the_page_is_written_where_asked(pictures, tmp_path, capsys):
    page = tmp_path / "labels.html"
    assert main(["dataset", str(pictures), "--html", str(page)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{page}\n"
    assert "classes     2: cat, dog" in said.err
    outline = Outline(page.read_text("utf-8"))
    assert outline.open == []
    assert outline.all("img")


def test_page_lies_in_build_by_the_folders_name(pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", "mine"]) == 0
    assert capsys.readouterr().out == "build/mine-dataset.html\n"
    assert (tmp_path / "build" / "mine-dataset.html").is_file()


def test_folder_without_labels_is_one_line_and_no_page(tmp_path, capsys):
    page = tmp_path / "labels.html"
    assert main(["dataset", str(tmp_path / "none"), "--html", str(page)]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert not page.exists()


def test_nothing_is_changed_in_the_folder(pictures, tmp_path):
    before = {path: path.read_bytes() for path in pictures.iterdir()}
    assert main(["dataset", str(pictures), "--html", str(tmp_path / "a.html")]) == 0
    assert {path: path.read_bytes() for path in pictures.iterdir()} == before
