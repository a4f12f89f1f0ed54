"""Every reader of what comes from elsewhere, given damaged files: an answer or one line.

A few examples of each are part of every test run; ``make test-fuzz`` tries thousands, none of
which may take more than 500 MB.
"""

from __future__ import annotations

import contextlib
import copy
import http.client
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from device.bundle.anchors import load_npy
from device.bundle.bundle import MANIFEST, Bundle
from device.bundle.label_formats import decode_text
from device.bundle.labels import parse_labels
from device.bundle.manifest import parse_manifest
from device.cameras.mjpeg import MultipartStream
from device.cameras.open import open_camera
from device.cameras.url import CameraUrl
from device.cli import main
from device.errors import BundleError, LiteberryError, ModelError, UsageError
from device.images import decode_image
from device.inference.engine import Engine
from device.inspection.tflite_file import read_facts
from device.inspection.tflite_metadata import read_metadata
from device.records import Frame
from tests.device.conftest import encode, write_video
from tests.helpers import tiny_models
from tests.helpers.fuzzing import NUMBERS, OTHERS, bounded_memory, mutations, often, refused

pytestmark = pytest.mark.fuzz

GRADIENT = np.dstack([np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)] * 3)
IMAGES = [encode(GRADIENT, ending) for ending in (".jpg", ".png", ".webp", ".tif", ".bmp")]
LABELS = [
    "person\nFußgänger\ntraffic light\n".encode(),
    "0 cat\n1 dog\n".encode("utf-16"),
    b"item { id: 1 name: 'cat' }\nitem { id: 2 display_name: 'dog' }\n",
    b'{"names": {"0": "cat", "1": "dog"}, "task": "detect"}',
    b"path: x\nnames:\n  0: cat\n  1: dog\n",
]
SETTINGS = (
    b'source = "demo"\nthreshold = 0.5\nclasses = ["person", "cat"]\nframes = 3\n'
    b'size = "640x480"\noutput = "a.mp4"\nwhen_moving = true\nfps = 2.5\n'
)
MODELS = [
    tiny_models.classifier(),
    tiny_models.ssd(),
    tiny_models.raw_ssd(),
    tiny_models.classifier(dtype="uint8", scale=1 / 255, metadata=tiny_models.metadata()),
]
METADATA = [tiny_models.metadata()]


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    with bounded_memory():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def put(path: Path, data: bytes) -> Path:
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


@often
@given(data=mutations(*LABELS), count=st.none() | st.integers(1, 5))
def test_labels(data, count):
    text = refused(UnicodeError, lambda: decode_text(data))
    if text is not None:
        refused(UsageError, lambda: parse_labels(text.text, count))


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@often
@given(data=mutations(npy(np.ones((9, 4), np.float32)), npy(np.ones((4, 9)).T)))
def test_anchors(folder, data):
    refused(ValueError, lambda: load_npy(put(folder / "anchors.npy", data)))


@often
@given(data=mutations(*IMAGES))
def test_images(data):
    refused(LiteberryError, lambda: decode_image(data, "image"))


@often
@given(data=mutations(*MODELS))
def test_models(folder, data):
    refused(ModelError, lambda: read_facts(put(folder / "model.tflite", data)))


@often
@given(data=mutations(*METADATA))
def test_metadata_of_a_model(folder, data):
    read_metadata(folder / "none.tflite", data)  # what cannot be read is its complaint


@often
@given(data=mutations(SETTINGS))
def test_settings(folder, data):
    path = put(folder / "run.toml", data)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with pytest.raises(SystemExit) as ended:
            main(["detect", "bundle", "--source", "demo", "--config", str(path), "--print-config"])
        assert ended.value.code in (0, 2)


@often
@given(st.text(max_size=30) | st.text("htp:/s@#?[]%0.1-", max_size=30).map("http://".__add__))
def test_addresses_of_cameras(text):
    refused(UsageError, lambda: CameraUrl.parse(text))


PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n12345\r\n"


@often
@given(data=mutations(3 * PART, PART.replace(b"Content-Length: 5\r\n", b"") * 3))
def test_streams_of_jpegs(data):
    parts = MultipartStream(io.BytesIO(data), "frame")
    with pytest.raises((EOFError, ValueError, http.client.HTTPException)):
        while True:
            parts.next()


@pytest.fixture(scope="module")
def videos(folder: Path) -> list[bytes]:
    write_video(folder / "whole.avi", 4)
    path = folder / "whole.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for _ in range(4):
        writer.write(GRADIENT)
    writer.release()
    return [(folder / "whole.avi").read_bytes(), path.read_bytes()]


@often
@given(data=st.data())
def test_videos(folder, videos, data):
    path = put(folder / "video.mp4", data.draw(mutations(*videos)))

    def read() -> int:
        with open_camera(str(path), [], lambda _: None) as camera:
            return sum(1 for _ in camera.frames(limit=20))

    refused(LiteberryError, read)


@pytest.fixture(scope="module")
def damaged_bundle(small_bundle: Path, folder: Path) -> Path:
    """A folder with all of the bundle but its manifest."""
    bundle = folder / "bundle"
    bundle.mkdir()
    for path in small_bundle.iterdir():
        if path.name != MANIFEST:
            (bundle / path.name).symlink_to(path)
    return bundle


@often
@given(data=st.data())
def test_manifests(small_bundle, data):
    original = (small_bundle / MANIFEST).read_bytes()
    refused(BundleError, lambda: parse_manifest(data.draw(mutations(original))))


FRAME = Frame(np.full((48, 64, 3), 99, np.uint8), 0, 0.0)


def change(place: Any, chance: random.Random) -> str:
    """Give some value of a manifest, wherever it is, another; says where and which."""
    path = ""
    while True:
        key = chance.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        path += f"/{key}"
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        place = place[key]
    place[key] = copy.deepcopy(chance.choice(NUMBERS + OTHERS))  # which another may go into
    return f"{path}: {place[key]!r}"


@often
@given(chance=st.integers(0, 2**32).map(random.Random), changes=st.integers(1, 3))
def test_bundles_whose_manifest_has_other_values_somewhere(
    small_bundle, damaged_bundle, chance, changes
):
    manifest = json.loads((small_bundle / MANIFEST).read_bytes())
    manifest["provenance"]["calibration"] = []  # hundreds of names
    for _ in range(changes):
        note(change(manifest, chance))
    put(damaged_bundle / MANIFEST, json.dumps(manifest).encode())

    def run() -> None:
        with Engine(Bundle(damaged_bundle), threads=1) as engine:
            engine.run(FRAME)

    refused(LiteberryError, run)
