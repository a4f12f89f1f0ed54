"""The board: what this machine is and how it is doing, from the kernel's own texts.

Standard library alone, and in the syntax of Python 3.9: the doctor needs it where nothing else
works. Every function takes the root of the file system, under which the recorded texts of
another board may lie; what cannot be read is None, or empty.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HERE = Path("/")
VCGENCMD_TIMEOUT_S = 2.0

# Flag in /proc/cpuinfo -> what people call it. Those that TFLite's kernels choose by.
CPU_FEATURES: Mapping[str, str] = {
    "neon": "NEON",
    "asimd": "NEON",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "asimdhp": "fp16",
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512_vnni": "AVX-512 VNNI",
    "amx_int8": "AMX",
}

# "CPU part" in /proc/cpuinfo of Arm's own cores (implementer 0x41), those of the Pis.
# Source: arch/arm64/include/asm/cputype.h and arch/arm/include/asm/cputype.h of Linux.
ARM_CORES: Mapping[str, str] = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
}

# Bit of `vcgencmd get_throttled` -> meaning; 16 higher, the same since boot.
# Source: raspberrypi.com/documentation/computers/os.html#get_throttled
UNDER_VOLTAGE = "under-voltage"
THROTTLED_BITS: Mapping[int, str] = {
    0: UNDER_VOLTAGE,
    1: "clock capped",
    2: "throttled",
    3: "soft temperature limit",
}
SINCE_BOOT = 16


@dataclass(frozen=True)
class Cpu:
    """The processor. ``features`` are in the words of :data:`CPU_FEATURES`."""

    name: str
    cores: int
    features: tuple[str, ...]


@dataclass(frozen=True)
class Memory:
    """Main memory and swap, in MiB."""

    total_mib: int
    available_mib: int
    swap_total_mib: int
    swap_free_mib: int


@dataclass(frozen=True)
class Board:
    """What a machine is: all that stays the same while it runs."""

    model: str | None  # of the device tree, such as "Raspberry Pi 5 Model B Rev 1.0"; PCs have none
    cpu: Cpu
    machine: str  # the kernel's architecture: aarch64, x86_64, armv7l; emulated, what is emulated
    userland_bits: int  # of the programs, which may be 32 on a 64-bit kernel
    kernel: str
    os: str
    memory: Memory

    @property
    def is_pi(self) -> bool:
        """Whether it is a Raspberry Pi."""
        return (self.model or "").startswith("Raspberry Pi")

    @property
    def title(self) -> str:
        """What to call it: the board, or a host machine by its processor."""
        return self.model or f"host machine ({self.cpu.name}, {self.machine})"


@dataclass(frozen=True)
class State:
    """How a machine is doing at this moment."""

    governor: str | None  # "performance", "ondemand", ...
    clock_mhz: float | None  # of the fastest core
    clock_limit_mhz: float | None
    temperature_c: float | None
    throttled: int | None  # bits of `vcgencmd get_throttled`
    load_1_min: float | None  # runnable threads, mean over a minute


@lru_cache(maxsize=64)
def below(folder: Path, name: str) -> Path:
    """``folder / name``, made once, for what is read again and again.

    Each path that is made interns its parts, and a name that nothing else holds takes a place in
    Python's table of those which is not used again: after 20,000 the table doubles, to a megabyte.
    """
    return folder / name


def read_text(path: Path) -> str:
    """A file of the kernel's; empty where it cannot be read."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def read_board(root: Path = HERE) -> Board:
    """What the machine below ``root`` is."""
    release = _settings(read_text(root / "etc/os-release"), "=")
    return Board(
        model=read_text(root / "proc/device-tree/model").strip("\0\n ") or None,
        cpu=read_cpu(root),
        machine=_machine(root),
        userland_bits=_userland_bits(root),
        kernel=read_text(root / "proc/sys/kernel/osrelease").strip() or os.uname().release,
        os=release.get("PRETTY_NAME", "").strip('"') or _system_elsewhere(root),
        memory=read_memory(root),
    )


def read_state(root: Path = HERE) -> State:
    """How the machine below ``root`` is doing; asks ``vcgencmd`` where there is one."""
    policies = sorted(below(root, "sys/devices/system/cpu/cpufreq").glob("policy*"))
    governors = {read_text(below(policy, "scaling_governor")).strip() for policy in policies} - {""}
    clocks_khz = [_number(read_text(below(policy, "scaling_cur_freq"))) for policy in policies]
    limits_khz = [_number(read_text(below(policy, "scaling_max_freq"))) for policy in policies]
    clock_khz = max((clock for clock in clocks_khz if clock), default=None)
    limit_khz = max((limit for limit in limits_khz if limit), default=None)
    if clock_khz is None:  # a virtual machine has no cpufreq, but x86 tells its clock
        clocks = re.findall(
            r"^cpu MHz\s*: ([\d.]+)", read_text(below(root, "proc/cpuinfo")), re.MULTILINE
        )
        clock_khz = max((float(clock) * 1e3 for clock in clocks), default=None)
    return State(
        governor=", ".join(sorted(governors)) or None,
        clock_mhz=None if clock_khz is None else clock_khz / 1e3,
        clock_limit_mhz=None if limit_khz is None else limit_khz / 1e3,
        temperature_c=_temperature_c(root),
        throttled=read_throttled(root),
        load_1_min=_number(read_text(below(root, "proc/loadavg"))),
    )


def read_cpu(root: Path = HERE) -> Cpu:
    """Name, cores and features of the processor, of the first core where they differ.

    Of one that QEMU emulates for a single program the kernel's texts do not tell: they are of the
    processor below.
    """
    text = read_text(root / "proc/cpuinfo")
    facts = _settings(text.split("\n\n")[0], ":")
    part = facts.get("CPU part", "")
    flags = set((facts.get("Features") or facts.get("flags") or "").split())
    name = ARM_CORES.get(part) or facts.get("model name") or (part and f"Arm {part}") or "unknown"
    machine = _machine(root)
    if "flags" in facts and not machine.endswith("86") and not machine.startswith("x86"):
        name, flags = f"{machine} emulated on {name}", set()
    return Cpu(
        name=name,
        cores=len(re.findall(r"^processor\s*:", text, re.MULTILINE)) or _cores_elsewhere(root),
        features=tuple(dict.fromkeys(name for flag, name in CPU_FEATURES.items() if flag in flags)),
    )


def _system_elsewhere(root: Path) -> str:
    """Name of a system without ``os-release``; unknown where it is not this machine's."""
    return f"{os.uname().sysname} {os.uname().release}" if root == HERE else "unknown"


def _cores_elsewhere(root: Path) -> int:
    """Cores of a machine without ``/proc``; 0 where it is not this one."""
    return os.cpu_count() or 0 if root == HERE else 0


def read_memory(root: Path = HERE) -> Memory:
    """Memory and swap; zeros where there is no ``/proc``."""
    facts = _settings(read_text(below(root, "proc/meminfo")), ":")

    def mib(key: str) -> int:
        return round((_number(facts.get(key, "")) or 0) / 1024)

    return Memory(mib("MemTotal"), mib("MemAvailable"), mib("SwapTotal"), mib("SwapFree"))


def read_throttled(root: Path = HERE) -> int | None:
    """The bits of ``vcgencmd get_throttled``; None where it is missing or may not be asked.

    The kernel's own ``get_throttled`` file is deprecated: reading it leaves a warning with a
    stack trace in the kernel's log.
    """
    try:
        done = subprocess.run(
            [below(root, "usr/bin/vcgencmd"), "get_throttled"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VCGENCMD_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)", done.stdout.strip())
    return int(found[1], 16) if found else None


def throttled_now(bits: int) -> list[str]:
    """What holds the processor back at this moment."""
    return [name for bit, name in THROTTLED_BITS.items() if bits >> bit & 1]


def throttled_since_boot(bits: int) -> list[str]:
    """What has held the processor back at any time since the machine was switched on."""
    return throttled_now(bits >> SINCE_BOOT)


def _settings(text: str, separator: str) -> dict[str, str]:
    pairs = (line.partition(separator) for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _number(text: str) -> float | None:
    """The number that ``text`` begins with."""
    found = re.match(r"\s*(-?\d+(?:\.\d+)?)", text)
    return float(found[1]) if found else None


def _machine(root: Path) -> str:
    """The architecture; of this machine as the C library says, which emulation does not forget."""
    recorded = "" if root == HERE else read_text(root / "proc/sys/kernel/arch").strip()
    return recorded or os.uname().machine


def _userland_bits(root: Path) -> int:
    """32 or 64, as the header of the shell's ELF file says."""
    try:
        with (root / "bin/sh").open("rb") as file:
            header = file.read(5)
    except OSError:
        header = b""
    return 32 if header == b"\x7fELF\x01" else 64


def _temperature_c(root: Path) -> float | None:
    """Of the thermal zone named after the processor, else of the first that has one."""
    zones = sorted(below(root, "sys/class/thermal").glob("thermal_zone*"))
    zones.sort(key=lambda zone: not re.search("cpu|x86_pkg", read_text(below(zone, "type"))))
    readings = (_number(read_text(below(zone, "temp"))) for zone in zones)
    return next((reading / 1e3 for reading in readings if reading is not None), None)
