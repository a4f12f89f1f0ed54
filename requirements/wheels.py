"""Wheels for a machine that reaches no package index, made ready on one that does.

    python3 requirements/wheels.py LOCK PYTHON ARCHITECTURE FOLDER [FROM]

Downloads what LOCK names for that Python and architecture on Linux, or takes it from the folder
FROM, where an earlier call left it; either is checked by LOCK's hashes, and of FROM nothing else is
trusted. Builds what is published as source only, and leaves in FOLDER the wheels with a lock of
their own,
``requirements.txt``, by whose hashes pip checks them where they arrive. Standard library and pip,
Python 3.9 or later: it runs on any laptop.
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

GLIBC_MINORS = {"3.11": 36, "3.13": 41}  # of Debian Bookworm and Trixie: newest manylinux tag
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def make_ready(
    lock: Path, python: str, architecture: str, folder: Path, source: Path | None = None
) -> None:
    """Fill ``folder``; what is there already and still wanted is not downloaded again."""
    tags = ["2014", *(f"_2_{minor}" for minor in range(17, GLIBC_MINORS[python] + 1))]
    subprocess.run(
        [*PIP, "download", "--no-deps", "--require-hashes", f"--requirement={lock}"]
        + ["--implementation=cp", f"--python-version={python}", f"--dest={folder}"]
        + [f"--platform=manylinux{tag}_{architecture}" for tag in tags]
        + ([] if source is None else ["--no-index", f"--find-links={source}"]),
        check=True,
    )
    wheels = [_wheel(folder, name, version) for name, version in _pinned(lock)]
    for old in set(folder.glob("*.whl")) - set(wheels):
        old.unlink()
    digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
    (folder / "requirements.txt").write_text(
        "".join(
            f"{name}=={version} --hash=sha256:{digest}\n"
            for (name, version), digest in zip(_pinned(lock), digests)  # noqa: B905  # 3.9 has no strict
        )
    )
    # deploy.sh knows by this copy what the wheels are for; the last, for it vouches for all.
    shutil.copyfile(lock, folder / f"{lock.name}-{architecture}")


def _pinned(lock: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock.read_text("utf-8"), re.MULTILINE)


def _wheel(folder: Path, name: str, version: str) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    if found := _named(folder, f"{stem}-*.whl"):
        return found
    archive = _named(folder, f"{stem}.tar.gz") or _named(folder, f"{name}-{version}.tar.gz")
    if archive is None:
        sys.exit(f"pip left nothing of {name} {version} in {folder}")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        subprocess.run([*PIP, "wheel", "--no-deps", "-w", scratch, archive], check=True)
        (built,) = Path(scratch).iterdir()
        if not built.name.endswith("-none-any.whl"):
            sys.exit(f"{archive.name} is published as source only, and builds for this machine")
        return built.rename(folder / built.name)


def _named(folder: Path, pattern: str) -> Path | None:
    # File names are spelt freely: PEP 427 allows capitals.
    matching = re.compile(fnmatch.translate(pattern), re.IGNORECASE)
    return next((path for path in sorted(folder.iterdir()) if matching.match(path.name)), None)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Until another deployment is done with the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(lock: str, python: str, architecture: str, folder: str, source: str = "") -> None:
    """The command line."""
    with _alone(Path(folder)):
        try:
            found_in = Path(source) if source else None
            make_ready(Path(lock), python, architecture, Path(folder), found_in)
        except subprocess.CalledProcessError as exc:
            sys.exit(f"pip ended with {exc.returncode}, see above")


if __name__ == "__main__":
    main(*sys.argv[1:])
