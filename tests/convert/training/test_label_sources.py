from __future__ import annotations

from convert.training.dataset_files import DatasetFiles
from convert.training.label_sources import read_labels


def test_lists_of_voc_name_the_splits(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").touch()
        (tmp_path / f"{number}.xml").write_text("<annotation></annotation>")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1 1\n")
    (lists / "val.txt").write_text("2\n")
    found = read_labels(DatasetFiles(tmp_path), lambda _: None)
    splits = {item.image.stem: item.split for item in found.files}
    assert splits == {"0": "train", "1": "train", "2": "validation"}


def test_format_is_told(tmp_path):
    (tmp_path / "0.jpg").touch()
    (tmp_path / "0.xml").write_text("<annotation></annotation>")
    said: list[str] = []
    read_labels(DatasetFiles(tmp_path), said.append)
    assert said == ["labels      Pascal VOC XML (1 files)"]
