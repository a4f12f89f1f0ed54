from __future__ import annotations

from convert.duplicate_files import same_files


def test_same_content_counts_under_any_name_and_same_size_does_not(tmp_path):
    for name, content in {"a": b"one", "b": b"two", "copy": b"one", "other": b"six"}.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "gone"]
    others = [tmp_path / "copy", tmp_path / "other", tmp_path / "gone"]
    assert same_files(paths, others) == [tmp_path / "a"]
