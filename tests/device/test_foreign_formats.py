from __future__ import annotations

import pytest

from device.foreign_formats import foreign_format


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("best.onnx", ["an ONNX model, not a .tflite", "onnx2tf -i best.onnx"]),
        ("best.pt", ["weights of PyTorch", "yolo export model=best.pt format=tflite"]),
        ("Model.H5", ["a Keras model", "python -m convert build Model.H5"]),
    ],
)
def test_file_is_called_what_it_is_with_the_way_out(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"x")
    said = foreign_format(tmp_path / name)
    assert all(word in said for word in words)
    assert "\n" not in said


def test_keras_files_are_welcome_where_they_are_converted(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"x")
    assert foreign_format(tmp_path / "a.keras", but_keras=True) is None


@pytest.mark.parametrize("name", ["detect.tflite", "notes.txt", "bundle"])
def test_other_files_are_not_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert foreign_format(tmp_path / name) is None


def test_folder_and_missing_file_are_not_named(tmp_path):
    (tmp_path / "saved.pb").mkdir()
    assert foreign_format(tmp_path / "saved.pb") is None
    assert foreign_format(tmp_path / "none.onnx") is None
