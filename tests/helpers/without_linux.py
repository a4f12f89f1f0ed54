"""Runs a module as it would run on macOS, as far as this machine can play that.

``python -m tests.helpers.without_linux MODULE ARGUMENT...``: what only Linux has is taken away,
from the standard library, the C library and the file system. The packages were loaded before,
for they are this machine's.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
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
STAT = os.stat


class LibcOfMacos(ctypes.CDLL):
    """The C library without what is glibc's or Linux's."""

    def __getattr__(self, name: str) -> object:
        if name in IN_GLIBC_ONLY:
            raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return super().__getattr__(name)


def refuse(path: object) -> None:
    """Raise where ``path`` is one of the Linux kernel's."""
    if isinstance(path, str | os.PathLike) and f"{os.fspath(path)}/".startswith(FOLDERS):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))


def refuse_kernel_files(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: no file and no folder of Linux's kernel can be opened."""
    if event in ("open", "os.listdir", "os.scandir"):
        refuse(arguments[0])


def stat_elsewhere(path: object, **options: object) -> os.stat_result:
    """:func:`os.stat`, of which no hook is told."""
    refuse(path)
    return STAT(path, **options)


def hide_linux() -> None:
    """Take away from this process what macOS has not."""
    for package in PACKAGES:
        importlib.import_module(package)
    for module, names in LINUX_ONLY.items():
        for name in names:
            with contextlib.suppress(AttributeError):
                delattr(module, name)
    ctypes.CDLL = LibcOfMacos
    os.stat = stat_elsewhere
    sys.addaudithook(refuse_kernel_files)
    sys.platform = "darwin"


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    hide_linux()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
