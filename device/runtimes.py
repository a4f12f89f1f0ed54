"""TFLite runtimes: their names, the packages they come from, and which are installed.

The doctor reads this too: standard library alone, and what Python 3.9 can import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

InterpreterName = Literal["litert", "tflite-runtime", "openvino", "tensorflow"]


class Origin(NamedTuple):
    """The package an interpreter comes from."""

    title: str  # in prose
    distribution: str  # as pip names it
    module: str

    @property
    def package(self) -> str:
        """What has the version: the module's top-level package, or the module, if it is ours."""
        package = self.module.partition(".")[0]
        return self.module if package == __package__ else package


ORIGINS: Mapping[InterpreterName, Origin] = {
    "litert": Origin("LiteRT", "ai-edge-litert", "ai_edge_litert.interpreter"),
    "tflite-runtime": Origin("tflite-runtime", "tflite-runtime", "tflite_runtime.interpreter"),
    "openvino": Origin("OpenVINO", "openvino", "device.inference.openvino_runtime"),
    "tensorflow": Origin("TensorFlow", "tensorflow", "tensorflow.lite.python.interpreter"),
}
INSTALL_LITERT = f"pip install {ORIGINS['litert'].distribution}"
# Fastest first: LiteRT has the newest kernels; OpenVINO takes twice the memory, and runs where it
# is asked for or was measured to be worth it; TensorFlow's costs hundreds of megabytes.
PREFERENCE: tuple[InterpreterName, ...] = get_args(InterpreterName)
EXTRA: InterpreterName = "openvino"  # no lock has it: who wants it installs it


def installed_interpreters() -> dict[InterpreterName, str]:
    """The interpreters whose packages are installed here, with versions, best first.

    Nothing is imported: an interpreter listed here may still fail to load.
    """
    from importlib import metadata  # here: a run need not pay for its parser of mail headers

    found: dict[InterpreterName, str] = {}
    for name in PREFERENCE:
        try:
            found[name] = metadata.version(ORIGINS[name].distribution)
        except metadata.PackageNotFoundError:
            continue
    return found


def usable_cores() -> int:
    """Cores that this process may use; where the kernel knows no such limit (macOS), all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """One thread per core, at most four: the cores of a Pi, beyond which small models lose."""
    return min(4, usable_cores())
