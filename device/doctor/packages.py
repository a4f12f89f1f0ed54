"""Checks of the Python packages: each is imported, in a child, and each interpreter tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from device.doctor.case import Case
from device.doctor.finding import Finding, Verdict
from device.doctor.trial import Attempt
from device.paths import ROOT
from device.runtimes import ORIGINS, InterpreterName

# Module -> what pip calls it. Without the first no run begins; the rest serve the live page.
REQUIRED = {"numpy": "numpy", "msgspec": "msgspec"}
FOR_LIVE_PAGE = {"tornado": "tornado", "prometheus_client": "prometheus-client"}
HEADLESS = "'opencv-python-headless<5'"
DEPLOY_AGAIN = "./deploy.sh --install-deps HOST   # on the laptop"  # apt's and pip's of 32 bits
LOCKS = {(3, 11): "pi-bookworm.txt", (3, 13): "pi-trixie.txt"}


def check_environment(case: Case) -> Iterator[Finding]:
    """Whether it is a virtual environment that sees what apt installed, as Picamera2 is."""
    python = case.python
    if python.venv is None:
        what = f"{python.executable}, no virtual environment"
    else:
        seen = "sees" if python.sees_system_packages else "does not see"
        what = f"virtual environment {python.venv}, which {seen} the system's packages"
    if not case.board.is_pi or not python.fits:
        yield Finding("environment", "ok", what)
        return
    picamera2 = case.imports["picamera2"]
    if picamera2.late and case.is_busy:
        yield case.too_busy("environment", f"{what}; Picamera2")
        return
    # The camera is what makes it needed: a Pi that reads files and streams runs without.
    gravity: Verdict = "problem" if case.cameras.sensors else "warning"
    if picamera2.error is None:
        yield Finding("environment", "ok", f"{what}; Picamera2 can be imported")
    elif picamera2.numpy_clash:
        yield Finding(
            "environment",
            gravity,
            f"{what}; Picamera2 was compiled for another NumPy: {picamera2.error}",
            python.pip("install 'numpy<2'"),
        )
    elif python.sees_system_packages:
        why = "is not installed" if picamera2.missing else f"fails: {picamera2.error}"
        yield Finding(
            "environment",
            gravity,
            f"{what}; Picamera2 {why}",
            "sudo apt install --no-install-recommends python3-picamera2",
        )
    else:
        mend = (
            "/usr/bin/python3 -m venv --system-site-packages .venv   # the system's own Python"
            if python.venv is None
            else f"sed -i '/^include-system-site-packages/s/false/true/' {python.venv}/pyvenv.cfg"
        )
        yield Finding(
            "environment", gravity, f"{what}; Picamera2 comes from apt, so it is out of reach", mend
        )


def check_packages(case: Case) -> Iterator[Finding]:
    """Whether what every run needs can be imported; OpenCV has a check of its own."""
    if not case.python.fits:
        yield Finding("packages", "unknown", "not looked for: another Python needs its own anyway")
        return
    trials = case.imports
    broken = [name for name in REQUIRED if trials[name].error]
    late = [name for name in broken if trials[name].late and case.is_busy]
    broken = [name for name in broken if name not in late]
    if late:
        yield case.too_busy("packages", ", ".join(late))
    if broken:
        yield Finding("packages", "problem", _complaints(trials, broken), _install(case, REQUIRED))
    elif not late:
        working = [name for name in REQUIRED if trials[name].error is None]
        versions = [f"{name} {trials[name].facts['version']}" for name in working]
        yield Finding("packages", "ok", ", ".join(versions))
    for_page = [
        name
        for name in FOR_LIVE_PAGE
        if trials[name].error and not (trials[name].late and case.is_busy)
    ]
    if for_page:
        yield Finding(
            "packages",
            "warning",
            f"{_complaints(trials, for_page)}: no live page without",
            _install(case, FOR_LIVE_PAGE),
        )


def check_opencv(case: Case) -> Iterator[Finding]:
    """Whether it can be imported, is there once, and could show windows."""
    if not case.python.fits:
        return
    trial = case.imports["cv2"]
    installed: list[str] = trial.facts.get("packages", [])
    names = " ".join(package.split()[0] for package in installed)
    reinstall = case.python.pip(f"install {HEADLESS}")
    if case.python.bits == 32:
        reinstall = DEPLOY_AGAIN
    elif names and case.python.venv is not None:
        reinstall = f"{case.python.pip(f'uninstall -y {names}')} && {reinstall}"
    if trial.missing:
        yield Finding("opencv", "problem", "not installed", _install(case, {"cv2": HEADLESS}))
    elif trial.late and case.is_busy:
        yield case.too_busy("opencv", "OpenCV")
    elif trial.error is not None:
        # A package with windows needs libraries that a Lite system has not.
        mend = case.python.pip("install 'numpy<2'") if trial.numpy_clash else reinstall
        yield Finding("opencv", "problem", trial.error, mend)
    elif len(installed) > 1:
        found = f"{' and '.join(installed)} overwrite each other's files"
        yield Finding("opencv", "warning", found, reinstall)
    else:
        what = installed[0] if installed else f"OpenCV {trial.facts['version']} from the system"
        windows = "can show windows" if trial.facts["windows"] else "headless, shows no windows"
        yield Finding("opencv", "ok", f"{what}: {windows}")


def check_interpreters(case: Case) -> Iterator[Finding]:
    """Whether each interpreter that is installed loads a model, and at least one does."""
    if not case.python.fits:
        return
    trials = {name: case.imports.get(origin.module) for name, origin in ORIGINS.items()}
    works = any(trial is not None and trial.error is None for trial in trials.values())
    for name, trial in trials.items():
        if trial is None or trial.missing:
            continue
        if trial.error is None:
            what = f"{name} {trial.facts['version']} loads a model"
            yield Finding("interpreters", "ok", what)
            continue
        if trial.late and case.is_busy:
            yield case.too_busy("interpreters", name)
            continue
        gravity: Verdict = "warning" if works else "problem"
        if trial.numpy_clash:
            numpy = case.imports["numpy"].facts.get("version", "this one")
            yield Finding(
                "interpreters",
                gravity,
                f"{name} was compiled for NumPy 1 and cannot run beside NumPy {numpy}",
                case.python.pip("install 'numpy<2' 'opencv-python-headless<4.12'"),
            )
        else:
            mend = case.python.pip(f"install --force-reinstall {ORIGINS[name].distribution}")
            yield Finding("interpreters", gravity, f"{name}: {trial.error}", mend)
    first: InterpreterName = "litert" if case.python.bits == 64 else "tflite-runtime"
    best = trials[first]
    if best is not None and best.missing:
        yield Finding(
            "interpreters",
            "warning" if works else "problem",
            f"{ORIGINS[first].title} is not installed"
            + (": it has the fastest kernels" if works else ""),
            _install(case, {first: ORIGINS[first].distribution}),
        )


def _complaints(trials: dict[str, Attempt], names: list[str]) -> str:
    return "; ".join(
        f"{name} is not installed" if trials[name].missing else f"{name}: {trials[name].error}"
        for name in names
    )


def _install(case: Case, packages: dict[str, str]) -> str:
    """The command that installs ``packages``: by the lock for this Python, where it is at hand."""
    if case.python.bits == 32:
        return DEPLOY_AGAIN
    name = LOCKS.get(case.python.version[:2])
    # A release has the lock that it was installed by, with what a home needs or without.
    at_hand = (
        [ROOT / name.replace(".txt", "-home.txt"), ROOT / name, ROOT / "requirements" / name]
        if name
        else []
    )
    lock = next((path for path in at_hand if path.is_file()), None)
    if lock is not None:
        return case.python.pip(f"install --no-deps --require-hashes -r {_near(lock)}")
    return case.python.pip(f"install {' '.join(packages.values())}")


def _near(path: Path) -> Path:
    """``path`` as it would be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
