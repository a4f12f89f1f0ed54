from __future__ import annotations

from collections import Counter
from pathlib import Path

from device.file_search import FolderListing, find_files, matching_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def test_files_below_a_folder_come_in_order_and_others_are_counted_by_kind(tmp_path):
    make(tmp_path, "b/2.JPG", "a.jpg", "c.txt", "README", ".hidden.jpg", ".trash/d.jpg")
    found = find_files(tmp_path, (".jpg",))
    assert found.files == [tmp_path / "a.jpg", tmp_path / "b/2.JPG"]
    assert found.passed_over == {".txt": 1, "without an ending": 1, "hidden": 1}


def test_link_to_a_folder_is_not_followed(tmp_path):
    make(tmp_path, "a/1.jpg")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert find_files(tmp_path, (".jpg",)).files == [tmp_path / "a/1.jpg"]


def test_kinds_beyond_five_are_counted_together():
    kinds = Counter({f".{letter}": number for number, letter in enumerate("abcdefg", 1)})
    told = FolderListing([], kinds).besides()
    assert told == "; passed over: 7 .g, 6 .f, 5 .e, 4 .d, 3 .c, 3 others"
    assert FolderListing([], Counter()).besides() == ""


def test_pattern_matches_files_alone_and_a_plain_name_nothing(tmp_path):
    make(tmp_path, "b.jpg", "a.jpg")
    (tmp_path / "c.jpg").mkdir()
    assert matching_files(f"{tmp_path}/*.jpg") == [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert matching_files(f"{tmp_path}/a.jpg") == []
