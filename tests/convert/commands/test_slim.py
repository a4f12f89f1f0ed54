from __future__ import annotations

import pytest

from convert.cli import main
from tests.convert.training.shapes import draw_dataset
from tests.helpers.tiny_bundle import write_bundle, write_images


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    write_images(folder / "images")
    write_bundle(folder / "own", folder / "images")
    return folder / "own"


def error_of(capsys):
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say how much may be lost"),
        (["--cost", "0.5", "--frontier"], "leave one out"),
        (["--cost", "1.5"], "expected less than 1"),
        (["--max-drop", "1", "--annotations", "a.json"], "give both"),
    ],
)
def test_flags_that_do_not_go_together_are_wrong_usage(arguments, said, foreign, capsys):
    assert main(["slim", str(foreign), *arguments]) == 2
    assert said in error_of(capsys)


def test_network_that_is_not_ours_is_refused_with_what_is_needed(foreign, capsys):
    before = sorted(path.name for path in foreign.parent.iterdir())
    assert main(["slim", str(foreign), "--max-drop", "1", "--images", str(foreign.parent)]) == 1
    assert "python -m convert train" in error_of(capsys)
    assert sorted(path.name for path in foreign.parent.iterdir()) == before


@pytest.mark.parametrize("size", ["60", "512"])
def test_size_that_a_smaller_network_cannot_have_is_refused(size, bundle_dir, tmp_path, capsys):
    arguments = ["--size", size, "--max-drop", "1", "--out", str(tmp_path / "out")]
    assert main(["slim", str(bundle_dir), *arguments]) == 2
    assert "expected 64 to 300" in error_of(capsys)


def test_bundle_that_names_no_pictures_asks_for_them(bundle_dir, tmp_path, capsys):
    assert main(["slim", str(bundle_dir), "--cost", "0.9", "--out", str(tmp_path / "out")]) == 2
    assert "name the pictures with --dataset" in error_of(capsys)


def test_too_few_pictures_are_told_and_nothing_is_written(bundle_dir, tmp_path, capsys):
    draw_dataset(tmp_path / "few", train=4, others=1)
    out = tmp_path / "out"
    arguments = ["--cost", "0.9", "--images", str(tmp_path / "few"), "--out", str(out)]
    assert main(["slim", str(bundle_dir), *arguments]) == 1
    assert "pictures to train on" in error_of(capsys)
    assert not out.exists()
