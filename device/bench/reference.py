"""Others' loops over the same file: what the benchmark's own figures are held against."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import InterpreterError
from device.paths import ROOT
from device.runtimes import ORIGINS, InterpreterName
from device.system.isolated_process import TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Loop:
    """So many invokes of a model."""

    model: Path
    input: Path  # .npy of what the network sees
    interpreter: InterpreterName
    threads: int
    warmups: int
    count: int


def bare_loop_ms(loop: Loop) -> float:
    """Median of ``device/bench/bare_loop.py``: the interpreter's Python interface and a clock."""
    module = ORIGINS[loop.interpreter].module
    said = _run(
        "device.bench.bare_loop",
        module,
        loop.model,
        loop.threads,
        loop.warmups,
        loop.count,
        loop.input,
    )
    return float(statistics.median(json.loads(said)))


def litert_script_ms(loop: Loop) -> float:
    """Median of the script in LiteRT's wheel, which drives its other interface, CompiledModel.

    It says hundredths of a millisecond. The network sees noise that the script draws.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "result.json"
        _run(
            "ai_edge_litert.tools.benchmark_litert_model",
            f"--model={loop.model}",
            f"--num_threads={loop.threads}",
            f"--warmup_runs={loop.warmups}",
            f"--num_runs={loop.count}",
            f"--result_json={found}",
        )
        return float(json.loads(found.read_bytes())["latency"]["median_ms"])


def references_for(interpreter: InterpreterName) -> Mapping[str, Callable[[Loop], float]]:
    """What there is to compare an interpreter with, by name."""
    loops: dict[str, Callable[[Loop], float]] = {"bare loop": bare_loop_ms}
    if interpreter == "litert":
        loops["LiteRT's script"] = litert_script_ms
    return loops


def _run(module: str, *arguments: object) -> str:
    """Standard output of ``python -m module``. Raises ``InterpreterError`` where it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=ROOT,
        )
    except subprocess.TimeoutExpired as exc:
        raise InterpreterError(f"{module}: no answer in {TIMEOUT_S:.0f} s") from exc
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise InterpreterError(f"{module} failed: {last}")
    return done.stdout
