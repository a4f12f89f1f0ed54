"""Checks of a bundle: every file as the manifest says, and every variant runs here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.doctor.trial import try_variant
from device.files import MOST_OF_A_TEXT, open_regular, read_regular
from device.foreign_formats import foreign_format
from device.system.console import say

MANIFEST = "manifest.json"
COPY_AGAIN = "copy it again: ./deploy.sh HOST, or build it: python -m convert build"
CHUNK = 1 << 20


def check_bundle(case: Case) -> Iterator[Finding]:
    """Whether the files are those the manifest vouches for; if so, whether each variant runs."""
    if case.bundle is None:
        return
    if (other := foreign_format(case.bundle)) is not None:
        yield Finding("bundle", "problem", other)
        return
    try:
        files, variants = _table(case.bundle, "files"), _table(case.bundle, "variants")
    except ValueError as exc:
        yield Finding("bundle", "problem", f"{case.bundle}: {exc}", COPY_AGAIN)
        return
    complaints = [_complaint(case.bundle / name, files[name]) for name in files]
    wrong = [complaint for complaint in complaints if complaint is not None]
    if wrong:
        yield Finding("bundle", "problem", f"{case.bundle}: {'; '.join(wrong)}", COPY_AGAIN)
        return
    yield Finding("bundle", "ok", f"{case.bundle}: {len(files)} files, every sha256 right")
    if not case.python.fits:
        yield Finding("variants", "unknown", "not tried in this Python")
        return
    needed = [name for name in ("numpy", "msgspec", "cv2") if case.imports[name].error]
    if needed:
        yield Finding("variants", "unknown", f"not tried: {', '.join(needed)} cannot be imported")
        return
    for variant in variants:
        say(f"loading {variant}")
        yield _run(case, case.bundle, variant)


def _run(case: Case, bundle: Path, variant: str) -> Finding:
    trial = try_variant(bundle, variant)
    if trial.late and case.is_busy:
        return case.too_busy("variants", variant)
    if trial.error is not None:
        return Finding("variants", "problem", f"{variant}: {trial.error}")
    facts = trial.facts
    return Finding(
        "variants",
        "ok",
        f"{variant} runs in {facts['interpreter']}: first result after "
        f"{facts['first_result_ms']:.0f} ms, at most {facts['peak_mib']:.0f} MiB",
    )


def _table(bundle: Path, key: str) -> Mapping[str, object]:
    """A table of the manifest; raises ValueError, with what is wrong, where there is none."""
    try:
        manifest = json.loads(read_regular(bundle / MANIFEST, MOST_OF_A_TEXT))
    except OSError as exc:
        raise ValueError(f"no bundle ({MANIFEST}: {exc.strerror})") from exc
    except ValueError as exc:
        raise ValueError(f"{MANIFEST} is damaged ({exc})") from exc
    table = manifest.get(key) if isinstance(manifest, dict) else None
    if not isinstance(table, dict) or not table:
        raise ValueError(f"{MANIFEST} is damaged (it has no {key})")
    return table


def _complaint(path: Path, expected: object) -> str | None:
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as exc:
        return f"{path.name}: {exc.strerror}"
    return None if digest.hexdigest() == expected else f"{path.name} is damaged"
