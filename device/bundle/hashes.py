"""Hashes of files, by which a manifest vouches for them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from device.files import open_regular


def sha256_of(path: Path) -> str:
    """Hash of a file, as lower-case hexadecimal. Raises ``OSError`` for what is no regular file."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
