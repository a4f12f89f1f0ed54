"""Checks of the system: what it is, and whether there are wheels for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from device.doctor.case import NEWEST_PYTHON, OLDEST_PYTHON, Case
from device.doctor.finding import Finding
from device.system.board import read_text

MACHINES = ("aarch64", "x86_64")  # for which LiteRT, NumPy and OpenCV have wheels
ARMS_OF_32_BITS = ("armv7l", "armv8l", "aarch64")  # for which tflite-runtime has one
TFLITE_RUNTIME_ENDS = (3, 11)  # its last release has no wheels for later ones
HAS_64_BITS = ("Cortex-A53", "Cortex-A72", "Cortex-A76")
IMAGER = (
    "write the 64-bit Raspberry Pi OS (Trixie or Bookworm) to the card with Raspberry Pi Imager"
)

# What a run was seen to need (README: 104 MB at its peak), and with something to spare.
NEEDED_MIB = 120
COMFORTABLE_MIB = 250
SMALL_MIB = 1024  # machines on which swap is not a luxury

ARM_FEATURES = ("NEON", "dotprod", "fp16", "i8mm")
X86_FEATURES = ("AVX2", "AVX-VNNI", "AVX-512 VNNI", "AMX")


def check_system(case: Case) -> Iterator[Finding]:
    """64 or 32 bits; a 64-bit kernel may well run 32-bit programs, and uname tells only of it."""
    board = case.board
    what = f"{board.os}, {board.userland_bits}-bit, kernel {board.kernel} ({board.machine})"
    if board.machine in MACHINES and board.userland_bits == 64:
        yield Finding("system", "ok", what)
        return
    if board.machine in MACHINES:
        what += ": its programs are 32-bit although its kernel is 64-bit"
    runs = board.machine in ARMS_OF_32_BITS and board.userland_bits == 32
    has_64_bits = not board.is_pi or board.cpu.name in HAS_64_BITS
    if runs and has_64_bits:
        yield Finding(
            "system",
            "warning",
            f"{what}; what runs on it is tflite-runtime, which is slower than LiteRT on 64 bits",
            IMAGER,
        )
    elif runs:
        yield Finding("system", "ok", f"{what}, which is all that {board.cpu.name} has")
    elif has_64_bits:
        yield Finding(
            "system", "problem", f"{what}; the interpreters have no wheels for it", IMAGER
        )
    else:
        yield Finding(
            "system",
            "problem",
            f"{what}; the interpreters have no wheels for it, and this processor "
            f"({board.cpu.name}) has no 64-bit mode",
            "take a Raspberry Pi Zero 2 W, 3, 4 or 5",
        )


def check_python(case: Case) -> Iterator[Finding]:
    """Its version and bits, against the wheels that exist."""
    python = case.python
    short = python.version[:2]
    what = f"Python {python.name}, {python.bits}-bit, {python.executable}"
    if short < OLDEST_PYTHON:
        yield Finding(
            "python",
            "problem",
            f"{what}: liteberry needs 3.11 or newer; Raspberry Pi OS Bookworm has 3.11, "
            "Trixie 3.13",
            IMAGER if case.board.is_pi else "install Python 3.11 and run this with it",
        )
    elif short > NEWEST_PYTHON:
        yield Finding(
            "python",
            "problem",
            f"{what}: LiteRT has no wheels after Python 3.14",
            "make a virtual environment with Python 3.13: python3.13 -m venv .venv",
        )
    elif not python.fits:
        yield Finding(
            "python",
            "problem",
            f"{what}: there are no 32-bit wheels of LiteRT, and of tflite-runtime none after "
            "Python 3.11",
            IMAGER if case.board.is_pi else "install a 64-bit Python and run this with it",
        )
    elif python.bits == 32:
        yield Finding("python", "ok", f"{what}; tflite-runtime runs on it, LiteRT does not")
    elif short > TFLITE_RUNTIME_ENDS:
        yield Finding("python", "ok", f"{what}; LiteRT runs on it, tflite-runtime ends at 3.11")
    else:
        yield Finding("python", "ok", what)


def check_processor(case: Case) -> Iterator[Finding]:
    """What it has that the kernels of the interpreters use."""
    cpu = case.board.cpu
    is_arm = "NEON" in cpu.features or case.board.machine.startswith(("arm", "aarch"))
    wanted = ARM_FEATURES if is_arm else X86_FEATURES
    have = [name for name in wanted if name in cpu.features]
    lack = [name for name in wanted if name not in cpu.features]
    # No aarch64 is without NEON; without a name nothing was read at all (no /proc/cpuinfo).
    if (case.board.machine == "aarch64" and not have) or cpu.name == "unknown":
        yield Finding("processor", "unknown", f"{cpu.cores} x {cpu.name}: nobody tells what it has")
        return
    what = f"{cpu.cores} x {cpu.name}: {', '.join(have) or 'none of what matters'}"
    if lack:
        what += f"; no {', '.join(lack)}"
    if is_arm and "dotprod" in lack:
        what += ". Without dotprod int8 gains little over float32: measure both"
    yield Finding("processor", "ok" if cpu.cores else "unknown", what)


def check_memory(case: Case) -> Iterator[Finding]:
    """What is free, and whether there is swap on a small machine."""
    memory = case.board.memory
    if not memory.total_mib:
        yield Finding("memory", "unknown", "no /proc/meminfo")
        return
    what = (
        f"{memory.available_mib} of {memory.total_mib} MiB available, "
        f"{memory.swap_free_mib} of {memory.swap_total_mib} MiB of swap free"
    )
    stop_others = "ps -eo rss,args --sort=-rss | head   # and end what is not needed"
    if memory.available_mib + memory.swap_free_mib < NEEDED_MIB:
        yield Finding(
            "memory",
            "problem",
            f"{what}: a run needs {NEEDED_MIB} MiB, the kernel would end it",
            stop_others,
        )
    elif memory.available_mib < COMFORTABLE_MIB:
        yield Finding(
            "memory", "warning", f"{what}: little beside a run's {NEEDED_MIB} MiB", stop_others
        )
    elif memory.total_mib < SMALL_MIB and not memory.swap_total_mib:
        yield Finding(
            "memory",
            "warning",
            f"{what}: installing packages may not fit without swap",
            "sudo apt install zram-tools",
        )
    else:
        yield Finding("memory", "ok", what)


def check_memory_cgroup(case: Case) -> Iterator[Finding]:
    """Whether the kernel limits memory by group, which Raspberry Pi OS switches off."""
    controllers = read_text(case.root / "sys/fs/cgroup/cgroup.controllers").split()
    groups = read_text(case.root / "proc/cgroups").splitlines()
    first = next((line.split() for line in groups if line.startswith("memory")), [])
    if "memory" in controllers or first[-1:] == ["1"]:
        yield Finding("memory cgroup", "ok", "on: MemoryMax= of a service is kept")
    elif not controllers and not groups:
        yield Finding("memory cgroup", "unknown", "neither /sys/fs/cgroup nor /proc/cgroups tells")
    else:
        by_default = "cgroup_disable=memory" in read_text(case.root / "proc/cmdline")
        boot = "/boot/firmware" if (case.root / "boot/firmware").is_dir() else "/boot"
        yield Finding(
            "memory cgroup",
            "warning",
            f"off{', as Raspberry Pi OS boots' if by_default else ''}: MemoryMax= of a service "
            "and --memory of a container limit nothing",
            f"sudo sed -i '1s/$/ cgroup_enable=memory/' {boot}/cmdline.txt && sudo reboot",
        )


def check_clock(case: Case) -> Iterator[Finding]:
    """Whether the time is set: a Pi without a battery starts with that of its last shutdown."""
    written_s = Path(__file__).stat().st_mtime
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(case.now_s))
    mend = "sudo timedatectl set-ntp true && timedatectl"
    if case.now_s < written_s - 24 * 3600:
        then = time.strftime("%Y-%m-%d", time.gmtime(written_s))
        yield Finding(
            "clock", "warning", f"{shown}, but this program was written on {then}: not set", mend
        )
    elif case.clock_is_set is None:
        yield Finding("clock", "unknown", f"{shown}; nobody says whether it is set")
    elif not case.clock_is_set:
        yield Finding(
            "clock",
            "warning",
            f"{shown}, not set from the network: times in logs may be wrong",
            mend,
        )
    else:
        yield Finding("clock", "ok", f"{shown}, set from the network")
