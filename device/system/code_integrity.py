"""Code integrity: whether a release is what was deployed; cards lose bits without a word.

``deploy.sh`` leaves the sha256 of every file of ``device/`` beside it, and once they are compiled
that of what Python made of them. Standard library alone, in the syntax of Python 3.9, like all that
the doctor needs.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from device.paths import ROOT

LISTS = ("code.sha256", "compiled.sha256")  # as sha256sum writes and reads them
LINE = re.compile(r"([0-9a-f]{64})  (device/[^\\]+)")
MOST_BYTES = 1 << 20  # of a list


def damaged_code(release: Path = ROOT) -> list[str] | None:
    """The files that are not as they were deployed, or gone; None where no list says how that is.

    A checkout has no list. A line of one that is no line of one is damage too.
    """
    found: list[str] | None = None
    for name in LISTS:
        try:
            with (release / name).open("rb") as file:
                lines = file.read(MOST_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        found = found or []
        for line in lines:
            entry = LINE.fullmatch(line)
            if entry is None:
                found.append(name)
            elif _sha256(release / entry[2]) != entry[1]:
                found.append(entry[2])
    return found


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
