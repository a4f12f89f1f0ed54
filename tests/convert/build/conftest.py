"""A classifier that is trained on drawn shapes, once for all tests."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.convert.training.shapes import draw_class_folders

CLASSIFIER_SIZE = 96


@dataclass(frozen=True)
class Classified:
    """A classifier that the command trained on drawn shapes, in folders of their classes."""

    dataset: Path
    bundle: Path
    weights: Path
    said: str


@pytest.fixture(scope="session")
def classified(tmp_path_factory, weights_dir) -> Classified:
    from convert.cli import main

    folder = tmp_path_factory.mktemp("classified")
    shapes = draw_class_folders(folder / "shapes", train=32, others=8)
    heard, bundle = io.StringIO(), folder / "build" / "shapes"
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(heard):
        where = ["--out", str(bundle), "--weights", str(weights_dir)]
        how = ["--base", "mobilenet_v2", "--size", str(CLASSIFIER_SIZE), "--epochs", "2"]
        code = main(["train", str(shapes), *where, *how])
    assert code == 0, heard.getvalue()
    return Classified(shapes, bundle, weights_dir, heard.getvalue())
