"""File kinds: what a file is that stands where another was expected, by its ending."""

from __future__ import annotations

from pathlib import Path

# Endings -> what such a file is.
_KINDS = (
    (
        (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".heif",
         ".avif"),
        "a picture",
    ),
    ((".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mjpeg", ".mjpg", ".h264"), "a video"),
    (
        (".txt", ".md", ".json", ".jsonl", ".csv", ".toml", ".yaml", ".yml", ".xml"),
        "a text file",
    ),
    ((".tflite", ".pt", ".pth", ".onnx", ".keras", ".h5"), "a model"),
)  # fmt: skip
# Brands of the container that HEIC and AVIF share, as its first box names them.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC = (
    "HEIC, as iPhones take it, which OpenCV does not decode: make a JPEG of it "
    "(heif-convert; on a Mac: sips -s format jpeg)"
)
_AVIF = "AVIF, which OpenCV does not decode here: make a JPEG of it (avifdec, or any browser)"


def kind_of_file(path: Path) -> str | None:
    """What a file of this name is: ``a picture``, ``a video``, ``a text file`` or ``a model``.

    None where the ending does not tell.
    """
    suffix = path.suffix.lower()
    return next((what for suffixes, what in _KINDS if suffix in suffixes), None)


def undecoded_format(name: str, data: bytes) -> str | None:
    """The format of an image file that is not decoded here, and what to do; None for others.

    Told by the first bytes, for people rename photographs from their phones to ``.jpg``; else by
    the ending.
    """
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _AVIF_BRANDS or (brand in _HEIC_BRANDS and b"avif" in data[16:40]):
        return _AVIF
    if brand in _HEIC_BRANDS or name.lower().endswith((".heic", ".heif")):
        return _HEIC
    return _AVIF if name.lower().endswith(".avif") else None
