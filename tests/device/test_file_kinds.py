from pathlib import Path

import pytest

from device.file_kinds import kind_of_file, undecoded_format


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("holiday.JPG", "a picture"),
        ("IMG_1.heic", "a picture"),
        ("holiday.mp4", "a video"),
        ("notes.txt", "a text file"),
        ("best.pt", "a model"),
        ("README", None),
        ("archive.zip", None),
    ],
)
def test_kind_is_told_by_the_ending(name, kind):
    assert kind_of_file(Path(name)) == kind


def first_box(brand: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO base media file, and a byte after it."""
    content = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(content) + 4).to_bytes(4, "big") + content + b"\0"


@pytest.mark.parametrize(
    ("name", "data", "start"),
    [
        ("a.jpg", first_box(b"heic", b"mif1"), "HEIC,"),
        ("a.jpg", first_box(b"mif1", b"heic"), "HEIC,"),
        ("a.heic", first_box(b"avif", b"mif1"), "AVIF,"),
        ("a.jpg", first_box(b"mif1", b"avif"), "AVIF,"),
        ("a.HEIF", b"anything", "HEIC,"),
        ("a.avif", b"", "AVIF,"),
    ],
)
def test_format_is_told_by_its_first_bytes_and_else_by_the_ending(name, data, start):
    told = undecoded_format(name, data)
    assert told is not None
    assert told.startswith(start)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0", first_box(b"isom", b"mp41")])
def test_other_files_have_no_such_format(data):
    assert undecoded_format("a.mp4", data) is None
