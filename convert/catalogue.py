"""The catalogue, ``datasets/catalogue.toml``: labels, calibration pictures, evaluation sets."""

from __future__ import annotations

import importlib.util
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from convert.errors import CalibrationError
from device.bundle.hashes import sha256_of
from device.paths import ROOT
from device.schema import Record

FOLDER = ROOT / "datasets"


class Labels(Record, frozen=True):
    """A label file, one class per line, by class id."""

    file: str
    title: str
    source: str
    licence: str
    sha256: str

    def read(self) -> tuple[str, ...]:
        """The labels, by class id."""
        return tuple((FOLDER / self.file).read_text("utf-8").splitlines())


class Photograph(Record, frozen=True):
    """One picture; ``shows`` is the class it demonstrates, if any."""

    file: str
    title: str
    source: str
    licence: str
    sha256: str
    shows: str = ""


class Photographs(Record, frozen=True, rename={"images": "pictures"}):
    """Pictures inside an installed package."""

    title: str
    package: str
    folder: str
    images: tuple[Photograph, ...]

    def path(self, image: Photograph) -> Path:
        """Where ``picture`` lies on this machine.

        Raises :class:`CalibrationError` where the package is missing or ships another file.
        """
        found = importlib.util.find_spec(self.package)
        if found is None or found.origin is None:
            raise CalibrationError(
                f"the package {self.package}, whose photographs calibrate by default, is not "
                "installed: run `make test` once, or give your own with --calibration DIR"
            )
        path = Path(found.origin).parent / self.folder / image.file
        if not path.is_file() or sha256_of(path) != image.sha256:
            raise CalibrationError(
                f"{path} is missing or not the picture that was measured with: install the "
                "versions in requirements/, or give your own pictures with --calibration DIR"
            )
        return path


class Archive(Record, frozen=True):
    """An archive to download."""

    url: str
    sha256: str


class EvaluationSet(Record, frozen=True):
    """Pictures with annotations, to be fetched by the user."""

    title: str
    licence: str
    use: str
    archives: tuple[Archive, ...]


class Catalogue(Record, frozen=True):
    """The whole catalogue, by name."""

    labels: dict[str, Labels]
    calibration: dict[str, Photographs]
    evaluation: dict[str, EvaluationSet]


@cache
def catalogue() -> Catalogue:
    """The project's catalogue."""
    data = tomllib.loads((FOLDER / "catalogue.toml").read_text("utf-8"))
    return msgspec.convert(data, Catalogue)
