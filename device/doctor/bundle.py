"""Checks of a bundle, or a bare model: every file is as the manifest says, and runs here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.doctor.trial import Attempt, try_model, try_variant
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
    if case.bundle.suffix == ".tflite" and case.bundle.is_file():
        yield from _runs(case, "model", {case.bundle.name: partial(try_model, case.bundle)})
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
    bundle = case.bundle
    trials = {variant: partial(try_variant, bundle, variant) for variant in variants}
    yield from _runs(case, "variants", trials)


def _runs(case: Case, check: str, trials: Mapping[str, Callable[[], Attempt]]) -> Iterator[Finding]:
    """How each of ``trials`` goes, if the packages are there that it needs."""
    if not case.python.fits:
        yield Finding(check, "unknown", "not tried in this Python")
        return
    needed = [name for name in ("numpy", "msgspec", "cv2") if case.imports[name].error]
    if needed:
        yield Finding(check, "unknown", f"not tried: {', '.join(needed)} cannot be imported")
        return
    for name, trial in trials.items():
        say(f"loading {name}")
        yield _run(case, check, name, trial())


def _run(case: Case, check: str, name: str, trial: Attempt) -> Finding:
    if trial.late and case.is_busy:
        return case.too_busy(check, name)
    if trial.error is not None:
        return Finding(check, "problem", f"{name}: {trial.error}")
    facts, costs = trial.facts, ""
    if "peak_mib" in facts:
        costs = (
            f": first result after {facts['first_result_ms']:.0f} ms, "
            f"at most {facts['peak_mib']:.0f} MiB"
        )
    return Finding(
        check,
        "ok",
        f"{name} runs in {facts['interpreter']}{costs}",
    )


def _table(bundle: Path, key: str) -> Mapping[str, object]:
    """A table of the manifest; raises ValueError, with what is wrong, where there is none."""
    try:
        manifest = json.loads(read_regular(bundle / MANIFEST, MOST_OF_A_TEXT))
    except OSError as exc:
        raise ValueError(f"no bundle ({MANIFEST}: {exc.strerror})") from exc
    except (ValueError, RecursionError) as exc:
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
