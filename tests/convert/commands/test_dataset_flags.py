from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from convert.commands.dataset_flags import add_image_sets, image_sets
from device.errors import UsageError


def sets_of(*words: str) -> list[tuple[Path, Path | None]]:
    parser = argparse.ArgumentParser()
    add_image_sets(parser)
    return image_sets(parser.parse_args(words))


def test_each_folder_gets_the_annotations_in_its_place():
    words = ("--images", "a", "--annotations", "x", "--annotations", "y", "--images", "b")
    assert sets_of(*words) == [(Path("a"), Path("x")), (Path("b"), Path("y"))]


def test_folders_without_any_annotations_have_none():
    assert sets_of("--images", "a", "--images", "b") == [(Path("a"), None), (Path("b"), None)]


def test_folder_that_lacks_annotations_where_another_has_them_is_wrong_usage():
    with pytest.raises(UsageError, match="2 times --images but 1 times --annotations"):
        sets_of("--images", "a", "--images", "b", "--annotations", "x")
