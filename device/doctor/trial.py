"""Trials: packages imported and models loaded in child processes, where a crash is only an answer.

As a program, ``python -m device.doctor.trial imports MODULE...``, ``... bundle FOLDER VARIANT``,
``... model FILE`` and ``... library NAME`` are those children. Each says what it is
about to try and how that went, a line of JSON each, so that what it died of is known.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import importlib.metadata
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.paths import ROOT
from device.runtimes import EXTRA, ORIGINS, InterpreterName
from device.system.signals import ending_postponed

IMPORT_TIMEOUT_S = 60.0  # TensorFlow takes 8 s on a laptop; a Pi Zero 2 W is ten times slower
LOAD_TIMEOUT_S = 120.0

PACKAGES = ("numpy", "msgspec", "cv2", "tornado", "prometheus_client")
# Not OpenVINO, which runs nothing without LiteRT, and TensorFlow only where neither of these is.
TRIED: tuple[InterpreterName, ...] = tuple(
    name for name in ORIGINS if name not in (EXTRA, "tensorflow")
)

# A TFLite file with one subgraph, in which nothing is: schema version 3, no tensors, no
# operators. tflite-runtime can be imported beside NumPy 2, but fails when it loads this.
EMPTY_MODEL = base64.b64decode(
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAAUAAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAM"
    "ABQAEAAMAAgABAAMAAAAEAAAABAAAAAQAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


@dataclass(frozen=True)
class Attempt:
    """How an attempt went; ``error`` is None where it went well."""

    error: str | None = None
    missing: bool = False  # the package is not installed
    numpy_clash: bool = False  # it was compiled for another NumPy
    late: bool = False  # no answer in time: it hangs, or the machine is too busy
    facts: dict[str, Any] = field(default_factory=dict)


NOT_INSTALLED = Attempt(error="not installed", missing=True)


def try_imports(with_picamera2: bool) -> dict[str, Attempt]:
    """Import what a run may need, every interpreter in a process of its own, all at a time.

    TensorFlow, which takes seconds and half a gigabyte, is only tried where no other interpreter
    is installed.
    """
    groups = [
        PACKAGES,
        *((ORIGINS[name].module,) for name in TRIED),
    ]
    if with_picamera2:
        groups.append(("picamera2",))
    trials = _try_groups(groups)
    if all(trials[ORIGINS[name].module].missing for name in TRIED):
        trials.update(_try_groups([(ORIGINS["tensorflow"].module,)]))
    return trials


def _try_groups(groups: Sequence[Sequence[str]]) -> dict[str, Attempt]:
    trials: dict[str, Attempt] = {}
    with contextlib.ExitStack() as stack:
        children = [(_start(stack, "imports", *group), group) for group in groups]
        deadline_s = time.monotonic() + IMPORT_TIMEOUT_S
        for child, group in children:
            trials.update(_finish(child, group, deadline_s - time.monotonic()))
    return trials


def try_variant(bundle: Path, variant: str) -> Attempt:
    """Load a variant and run it once, on a black picture."""
    with contextlib.ExitStack() as stack:
        child = _start(stack, "bundle", str(bundle.absolute()), variant)
        return _finish(child, [variant], LOAD_TIMEOUT_S)[variant]


def try_model(path: Path) -> Attempt:
    """Load a bare model and run it on pictures of noise."""
    with contextlib.ExitStack() as stack:
        child = _start(stack, "model", str(path.absolute()))
        return _finish(child, [path.name], LOAD_TIMEOUT_S)[path.name]


def try_library(name: str) -> Attempt:
    """Open a delegate's library, and ask it for its version."""
    with contextlib.ExitStack() as stack:
        return _finish(_start(stack, "library", name), [name], IMPORT_TIMEOUT_S)[name]


def _start(stack: contextlib.ExitStack, *arguments: str) -> subprocess.Popen[str]:
    """A child that does not outlive ``stack``, Ctrl-C or not."""
    with ending_postponed():  # inside Popen, one would leave a child that nobody knows
        child = subprocess.Popen(
            [sys.executable, "-m", "device.doctor.trial", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        stack.enter_context(child)
        stack.callback(child.kill)
    return child


def _finish(
    child: subprocess.Popen[str], names: Sequence[str], timeout_s: float
) -> dict[str, Attempt]:
    """How each of ``names`` went; the one that the child was at when it died failed."""
    died, late = "ended early", False
    try:
        out, err = child.communicate(timeout=max(0.0, timeout_s))
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
        died, late = "gave no answer in time", True
    else:
        if child.returncode < 0:
            died = f"crashed ({signal.Signals(-child.returncode).name})"
        elif child.returncode:
            died = (err.strip().splitlines() or ["failed without a word"])[-1]
    trials = dict.fromkeys(names, Attempt(error=f"not tried, as the process {died}", late=late))
    for line in out.splitlines():
        if (said := _said(line, trials)) is None:
            continue
        error = said.get("error", died)
        trials[said["tried"]] = Attempt(
            error=error,
            missing=said.get("missing", False),
            numpy_clash=error is not None and is_numpy_clash(f"{error}\n{err}"),
            late=late and "error" not in said,
            facts=said.get("facts", {}),
        )
    return trials


def _said(line: str, tried: Collection[str]) -> dict[str, Any] | None:
    """What the child said of one of ``tried``; None for a library that talks on stdout."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and said.get("tried") in tried else None


def is_numpy_clash(text: str) -> bool:
    """Whether an error says that a module was compiled for another NumPy."""
    return bool(re.search(r"_ARRAY_API|compiled using NumPy 1|numpy\.dtype size changed", text))


def _say(tried: str, **what: object) -> None:
    sys.stdout.write(json.dumps({"tried": tried, **what}) + "\n")
    sys.stdout.flush()


def _import(name: str) -> None:
    facts: dict[str, object] = {"packages": _opencv_packages()} if name == "cv2" else {}
    _say(name, facts=facts)
    try:
        module = importlib.import_module(name)
        facts["version"] = _version(name, module)
        if name in {origin.module for origin in ORIGINS.values()}:  # importing proves little
            module.Interpreter(model_content=EMPTY_MODEL).allocate_tensors()
        if name == "cv2":
            gui = re.search(r"GUI:\s*(\S+)", module.getBuildInformation())
            facts["windows"] = gui is not None and gui[1] not in ("NO", "NONE")
    except ModuleNotFoundError as exc:
        # What is missing may also be something that the package itself needs.
        missing = (exc.name or "").split(".")[0] == name.split(".")[0]
        _say(name, error=str(exc), missing=missing, facts=facts)
    except BaseException as exc:  # Whatever it is, it is the answer.
        _say(name, error=f"{type(exc).__name__}: {exc}".splitlines()[0], facts=facts)
    else:
        _say(name, error=None, facts=facts)


def _opencv_packages() -> list[str]:
    """The packages of pip that bring OpenCV, with versions: there should be one."""
    return sorted(
        f"{item.metadata['Name']} {item.version}"
        for item in importlib.metadata.distributions()
        if (item.metadata["Name"] or "").lower().startswith("opencv")
    )


def _version(name: str, module: Any) -> str:
    distribution = {origin.package: origin.distribution for origin in ORIGINS.values()}
    package = name.split(".")[0]
    try:
        return importlib.metadata.version(distribution.get(package, package))
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(module, "__version__", "of unknown version"))


def _open_library(name: str) -> None:
    _say(name)
    from device.errors import DelegateError
    from device.inference.delegates import open_library, runtime_of

    try:
        runtime = runtime_of(open_library(name))
    except DelegateError as exc:
        _say(name, error=str(exc))
    else:
        _say(name, error=None, facts={"runtime": runtime})


def _run_model(file: str) -> None:
    path = Path(file)
    _say(path.name)
    # Imported here: only this child may need more than the standard library.
    from device.bundle.hints import Hints
    from device.errors import InterpreterError
    from device.inspection.trial_run import examine
    from device.runtimes import installed_interpreters

    reasons = []
    for name in installed_interpreters():
        try:
            seen = examine(path, name, Hints())
        except InterpreterError as exc:
            reasons.append(str(exc))
            continue
        if seen.unreadable:
            _say(path.name, error=seen.unreadable)
        elif not seen.version:
            _say(path.name, error="which picture it takes nobody says: python -m device info FILE")
        else:
            _say(path.name, error=None, facts={"interpreter": f"{name} {seen.version}"})
        return
    _say(path.name, error="; ".join(reasons) or "no interpreter is installed")


def _run_variant(folder: str, variant: str) -> None:
    _say(variant)
    # Imported here: only this child may need more than the standard library.
    import numpy as np

    from device.bundle.bundle import Bundle
    from device.errors import LiteberryError
    from device.inference.engine import Engine
    from device.records import Frame
    from device.system.resource_usage import peak_rss_mb

    started = time.perf_counter()
    try:
        with Engine(Bundle(Path(folder)), variant) as engine:
            black = np.zeros((480, 640, 3), np.uint8)
            engine.run(Frame(black, 0, time.monotonic(), 0.0, ""))
            interpreter = f"{engine.interpreter.name} {engine.interpreter.version}"
    except LiteberryError as exc:
        _say(variant, error=str(exc))
    else:
        facts = {
            "interpreter": interpreter,
            "first_result_ms": (time.perf_counter() - started) * 1e3,
            "peak_mib": peak_rss_mb() * 1e6 / 2**20,
        }
        _say(variant, error=None, facts=facts)


if __name__ == "__main__":
    if sys.argv[1] == "imports":
        for module_name in sys.argv[2:]:
            _import(module_name)
    else:
        children: dict[str, Callable[..., None]] = {
            "bundle": _run_variant,
            "model": _run_model,
            "library": _open_library,
        }
        children[sys.argv[1]](*sys.argv[2:])
