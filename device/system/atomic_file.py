"""Atomic files: there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from device.errors import SinkError


def write_whole(path: Path, data: bytes, advice: str = "choose another file") -> None:
    """Write ``data`` beside ``path``, then give it its name; what was there before is replaced.

    Raises ``SinkError``, ending in ``advice``, where that is not possible; nothing is left then.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise SinkError(f"{path}: {exc.strerror}; {advice}") from exc
