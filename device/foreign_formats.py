"""Model files of other formats, called what they are, and how a ``.tflite`` is made of each."""

from __future__ import annotations

from pathlib import Path

from device.files import open_regular

_ULTRALYTICS = "yolo export model={name} format=tflite"
# By ending: what it is, and what makes a .tflite of it.
_FORMATS = {
    ".onnx": ("an ONNX model", "pip install onnx2tf && onnx2tf -i {name}"),
    ".pt": ("weights of PyTorch", f"export it where it was trained, a YOLO with: {_ULTRALYTICS}"),
    ".pth": ("weights of PyTorch", f"export it where it was trained, a YOLO with: {_ULTRALYTICS}"),
    ".torchscript": ("a TorchScript model", f"export its weights, a YOLO's with: {_ULTRALYTICS}"),
    ".pb": ("a graph of TensorFlow", "give the SavedModel folder to: python -m convert build"),
    ".keras": ("a Keras model", "python -m convert build {name} --out build/mine"),
    ".h5": ("a Keras model", "python -m convert build {name} --out build/mine"),
    ".hdf5": ("a Keras model", "python -m convert build {name} --out build/mine"),
    ".engine": ("a TensorRT engine, for NVIDIA alone", "export the model it was made of"),
    ".hef": ("a model compiled for Hailo", "take the model it was compiled from"),
    ".mlmodel": ("a Core ML model", "export the model it was made of"),
    ".task": ("a bundle of MediaPipe's", "unzip {name}: the .tflite files are inside"),
}
_KERAS = frozenset({".keras", ".h5", ".hdf5"})


def foreign_format(path: Path, *, but_keras: bool = False) -> str | None:
    """What the file at ``path`` is and what to do, where it is a model of another format.

    ``but_keras``: where Keras's formats are welcome. None for other files.
    """
    ending = path.suffix.lower()
    if ending not in _FORMATS or (but_keras and ending in _KERAS) or not path.is_file():
        return None
    what, way = _FORMATS[ending]
    if ending == ".task" and not _is_zip(path):
        return None
    return f"{path} is {what}, not a .tflite: {way.format(name=path.name)}"


def _is_zip(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False
