"""Runs a module as it would run on macOS, as far as this machine can play that.

``python -m tests.helpers.without_linux MODULE ARGUMENT...``: what only Linux has is taken away,
from the standard library, the C library and the file system. The packages were loaded before,
for they are this machine's.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import runpy
import socket
import sys
import time

PACKAGES = ("cv2", "numpy", "msgspec", "ai_edge_litert.interpreter", "multiprocessing.spawn")
LINUX_ONLY = {
    os: [name for name in dir(os) if name.startswith("sched_")] + ["fdatasync", "pipe2"],
    time: ["CLOCK_BOOTTIME"],
    socket: ["SOCK_CLOEXEC", "TCP_KEEPIDLE"],
}
IN_GLIBC_ONLY = {"mallopt", "malloc_trim", "prctl", "adjtimex"}
FOLDERS = ("/proc/", "/sys/")


class LibcOfMacos(ctypes.CDLL):
    """The C library without what is glibc's or Linux's."""

    def __getattr__(self, name: str) -> object:
        if name in IN_GLIBC_ONLY:
            raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return super().__getattr__(name)


def refuse_kernel_files(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: no file and no folder of Linux's kernel is there."""
    path = arguments[0] if event in ("open", "os.listdir", "os.scandir") else None
    if isinstance(path, str) and f"{path}/".startswith(FOLDERS):
        raise FileNotFoundError(f"there is no {path} on macOS")


def hide_linux() -> None:
    """Take away from this process what macOS has not."""
    for package in PACKAGES:
        importlib.import_module(package)
    for module, names in LINUX_ONLY.items():
        for name in names:
            with contextlib.suppress(AttributeError):
                delattr(module, name)
    ctypes.CDLL = LibcOfMacos
    sys.addaudithook(refuse_kernel_files)
    sys.platform = "darwin"


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    hide_linux()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
