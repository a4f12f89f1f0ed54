"""Bundles to damage, pictures and videos to read, and the commands run in this process."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from device.bundle.bundle import MANIFEST, Bundle
from device.bundle.hashes import sha256_of
from device.cli import main
from device.inference.engine import Engine
from device.records import Detection, Frame, Outcome, Result, Timings
from tests.helpers import delegates


@dataclass(frozen=True)
class BundleCopy:
    """A copy of the real bundle with one variant, to be damaged at will."""

    folder: Path

    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / MANIFEST).read_bytes())

    def change(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Rewrite the manifest after ``edit``."""
        manifest = self.manifest()
        edit(manifest)
        (self.folder / MANIFEST).write_text(json.dumps(manifest))

    def replace(self, name: str, data: bytes) -> None:
        """Give a file other content, for which the manifest vouches."""
        (self.folder / name).write_bytes(data)
        self.change(
            lambda manifest: manifest["files"].update({name: sha256_of(self.folder / name)})
        )


@pytest.fixture(scope="session")
def small_bundle(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with int8 alone: 5 MB instead of 37. Not to be written to."""
    folder = tmp_path_factory.mktemp("small") / "bundle"
    shutil.copytree(bundle_dir, folder, ignore=shutil.ignore_patterns("[!i]*.tflite"))

    def keep_int8(manifest: dict[str, Any]) -> None:
        manifest["variants"] = {"int8": manifest["variants"]["int8"]}
        for name in [name for name in manifest["files"] if not (folder / name).exists()]:
            del manifest["files"][name]
        for sample in manifest["samples"]:
            sample["detections"] = {"int8": sample["detections"]["int8"]}

    BundleCopy(folder).change(keep_int8)
    return folder


@pytest.fixture
def bundle_copy(small_bundle: Path, tmp_path: Path) -> BundleCopy:
    return BundleCopy(Path(shutil.copytree(small_bundle, tmp_path / "bundle")))


@pytest.fixture(scope="session")
def delegate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A delegate that does as it is told: works, crashes, refuses, ...; each is built once."""
    if delegates.COMPILER is None:
        pytest.skip("no C compiler here")

    @cache
    def delegate(behaviour: str = "works", name: str = "libedgetpu.so.1") -> Path:
        return delegates.build(tmp_path_factory.mktemp("delegate"), behaviour, name)

    return delegate


@pytest.fixture(scope="session")
def engine(small_bundle: Path) -> Iterator[Engine]:
    """The int8 variant, ready to run."""
    with Engine(Bundle(small_bundle), threads=1) as engine:
        yield engine


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert self.err.endswith(lines[0] + "\n"), "the error is not the last that is said"
        assert "Traceback" not in self.err
        return lines[0]


@pytest.fixture
def restored_signals() -> Iterator[None]:
    """Put the signal handlers back that a command run in this process replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def device(capfd: pytest.CaptureFixture[str], restored_signals: None) -> Callable[..., Ran]:
    """Run ``python -m device ...`` in this process."""

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exc:
            code = exc.code
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of 64x48 at 10 per second; frame n is a flat grey of 20 n."""
    return write_video(tmp_path_factory.mktemp("video") / "grey.avi", 12)


def write_video(path: Path, frames: int, size_wh: tuple[int, int] = (64, 48)) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, size_wh)
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((size_wh[1], size_wh[0], 3), 20 * index % 256, np.uint8))
    writer.release()
    return path


def cut(path: Path, fraction: float) -> Path:
    """Keep the beginning of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path


def encode(pixels: np.ndarray, ending: str) -> bytes:
    ok, data = cv2.imencode(ending, pixels)
    assert ok
    return data.tobytes()


def frames_of(path: Path) -> list[np.ndarray]:
    """Every frame of a video."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        ok, pixels = capture.read()
        if not ok:
            capture.release()
            return frames
        frames.append(pixels)


def make_outcome(
    index: int = 0,
    pixels: np.ndarray | None = None,
    name: str = "",
    detections: tuple[Detection, ...] = (),
) -> Outcome:
    """An outcome as the pipeline would make it, drawn picture included."""
    pixels = np.full((48, 64, 3), 128, np.uint8) if pixels is None else pixels
    frame = Frame(pixels, index, 100.0 + index, 1.25, name)
    result = Result(index, detections, Timings(1.25, 2.5, 3.75, 0.5))
    return Outcome(frame, result, pixels, 0.125, 100.0105 + index, 29.987, 95.26, 123.45)


def names_in(folder: Path) -> list[str]:
    """What a folder holds, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own with 2 MB."""
    folder = tmp_path / "small_disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
