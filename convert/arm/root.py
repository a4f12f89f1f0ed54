"""The root file system: what a Raspberry Pi has on its disk, in a folder, for emulated programs.

Debian Bookworm for arm64 with Python 3.11, and the packages a Pi is given, from the lock and by
hash. Nothing of it is run while it is made.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from convert.errors import EmulationError
from device.paths import ROOT
from device.system.console import say

LOCK = ROOT / "requirements" / "pi-bookworm.txt"
KEPT_IN = ROOT / "build" / "arm"
WHEELS = Path("usr/lib/python3/dist-packages")

# Commands that must be here, and the Debian packages that bring them.
TOOLS = {"qemu-aarch64": "qemu-user", "mmdebstrap": "mmdebstrap", "gcc": "gcc libc6-dev"}
DEBIAN_PACKAGES = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgcc-s1")
WANTED = ("./lib", "./usr/lib", "./usr/bin/python3.11")
MEASURED = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
GLIBC_MINORS = range(17, 37)  # manylinux wheels that Bookworm's glibc 2.36 runs


def missing_tools() -> dict[str, str]:
    """The commands needed here that are not installed, and the Debian packages of each."""
    needed = TOOLS if os.geteuid() == 0 else TOOLS | {"newuidmap": "uidmap"}
    return {name: packages for name, packages in needed.items() if shutil.which(name) is None}


def arm_root() -> Path:
    """The folder; made in half a minute where this checkout has none for its lock yet.

    Raises :class:`EmulationError` where a tool is missing or fails.
    """
    if missing := missing_tools():
        raise EmulationError(
            f"counting Arm instructions needs {', '.join(missing)}: "
            f"apt install --no-install-recommends {' '.join(missing.values())}"
        )
    # What is in the folder follows from the lock and from this module.
    recipe = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    root = KEPT_IN / f"root-{recipe[:12]}"
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    with (KEPT_IN / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it made
        if not root.is_dir():
            say("making an arm64 Debian folder for the emulator, once (half a minute)")
            for old in KEPT_IN.glob("root-*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=KEPT_IN, prefix=".making-") as scratch:
                _make(Path(scratch)).rename(root)
    return root


def root_versions(root: Path) -> dict[str, str]:
    """Versions of what is in the folder that counts depend on."""
    found = {}
    for name, path, pattern in (
        ("Python", "usr/bin/python3.11", rb"\b(3\.11\.\d+)\b"),
        ("glibc", "usr/lib/aarch64-linux-gnu/libc.so.6", rb"Debian GLIBC ([^)]+)\)"),
    ):
        version = re.search(pattern, (root / path).read_bytes())
        found[name] = version[1].decode() if version else "unknown"
    for distribution in importlib.metadata.distributions(path=[str(root / WHEELS)]):
        if distribution.name in MEASURED:
            found[distribution.name] = distribution.version
    return found


def _make(scratch: Path) -> Path:
    root, archive = scratch / "root", scratch / "debian.tar"
    root.mkdir()
    # An archive, not a folder: to an ordinary user mmdebstrap cannot hand over files.
    _run("mmdebstrap", "--quiet", "--variant=extract", "--architectures=arm64",
         "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
         f"--include={','.join(DEBIAN_PACKAGES)}", "bookworm", str(archive))  # fmt: skip
    _run("tar", "-xf", str(archive), "-C", str(root), "--no-same-owner", *WANTED)
    tags = ["2014", *(f"_2_{minor}" for minor in GLIBC_MINORS)]
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-compile", "--no-deps", "--require-hashes",
         "--implementation=cp", "--python-version=3.11",
         *(f"--platform=manylinux{tag}_aarch64" for tag in tags),
         f"--target={root / WHEELS}", f"--requirement={LOCK}")  # fmt: skip
    # Emulated, it would take long, at every start. A compiled file names its source: as it will
    # be seen in there, for the length of our path would change what is counted.
    _run(sys.executable, "-m", "compileall", "-q", f"-j{os.cpu_count()}",
         f"-s{root}", "-p/", str(root / "usr/lib"))  # fmt: skip
    return root


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise EmulationError(f"{' '.join(command[:4])} ... failed: {said[-1]}")
