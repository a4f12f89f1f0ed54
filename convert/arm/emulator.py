"""The emulator: arm64 programs under QEMU as on a Raspberry Pi's processor, counted as they run.

All that a program can see is the same at every run and on every machine: processor, paths,
environment, random seed. So is, then, what it executes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from convert.errors import EmulationError
from device.system.signals import children_begin_with_defaults

Cpu = Literal["cortex-a72", "cortex-a76"]  # as QEMU names them
CPUS: tuple[Cpu, ...] = get_args(Cpu)
BOARDS: Mapping[Cpu, str] = {"cortex-a72": "Pi 4", "cortex-a76": "Pi 5"}

PLUGIN_SOURCE = Path(__file__).with_name("counter.c")
CORES = 4  # of either Pi

ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
}


@dataclass(frozen=True)
class _Identity:
    """What the kernel says of a processor in /proc/cpuinfo."""

    variant: str
    part: str
    revision: int
    features: str

    def cpuinfo(self) -> str:
        fields = {
            "BogoMIPS": "108.00",
            "Features": self.features,
            "CPU implementer": "0x41",
            "CPU architecture": "8",
            "CPU variant": self.variant,
            "CPU part": self.part,
            "CPU revision": str(self.revision),
        }
        lines = "".join(f"{name}\t: {value}\n" for name, value in fields.items())
        return "".join(f"processor\t: {core}\n{lines}\n" for core in range(CORES))


_IDENTITIES: Mapping[Cpu, _Identity] = {
    "cortex-a72": _Identity("0x0", "0xd08", 3, "fp asimd evtstrm crc32 cpuid"),
    "cortex-a76": _Identity(
        "0x4",
        "0xd0b",
        1,
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc "
        "dcpop asimddp",
    ),
}


@dataclass(frozen=True)
class Emulator:
    """An emulated machine with a disk of its own, and the count of what ran on it."""

    cpu: Cpu
    disk: Path
    plugin: Path

    @property
    def count_file(self) -> Path:
        """Holds the instructions executed so far, 64 bits; ``/desk/count`` to the program."""
        return self.disk / "desk" / "count"

    async def run(
        self, program: str, *arguments: str, timeout_s: float, hear: Callable[[bytes], None]
    ) -> None:
        """Run ``program``, a path on the emulated disk; ``hear`` is given each line it writes.

        Raises :class:`EmulationError` where it fails or has not ended after ``timeout_s``. When
        this is left, so have the program and all it forked.
        """
        with tempfile.TemporaryFile() as errors:
            # Python starts otherwise, and other instructions are counted, where one is ignored.
            with children_begin_with_defaults():
                child = await asyncio.create_subprocess_exec(
                    _qemu(),
                    *("-cpu", self.cpu, "-seed", "0", "-L", str(self.disk)),
                    *("-plugin", f"{self.plugin},count={self.count_file}"),
                    # A relative path and a name of our own: the program sees both, and where its
                    # memory lies depends on their length.
                    *("-0", program, program.removeprefix("/"), *arguments),
                    env=ENVIRONMENT,
                    cwd=self.disk,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
            assert child.stdout is not None
            try:
                async with asyncio.timeout(timeout_s):
                    async for line in child.stdout:
                        hear(line)
                    code = await child.wait()
            except TimeoutError as exc:
                raise EmulationError(f"{program}: not done after {timeout_s:.0f} s") from exc
            finally:
                if child.returncode is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    await child.wait()
            if code != 0:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines() or ["nothing"]
                raise EmulationError(
                    f"{program} failed under emulation (exit code {code}), saying: {said[-1]}"
                )


@contextlib.contextmanager
def emulator(root: Path, cpu: Cpu) -> Iterator[Emulator]:
    """A machine with ``root`` on its disk, and an empty folder ``/desk``; gone afterwards.

    Raises :class:`EmulationError` where the plugin that counts cannot be compiled.
    """
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".running-") as scratch:
        disk, plugin = Path(scratch) / "disk", Path(scratch) / "counter.so"
        # Real folders, not links to them: a program that resolves its paths must not find ours.
        shutil.copytree(root, disk, symlinks=True, copy_function=os.link)
        (disk / "proc").mkdir()
        (disk / "proc" / "cpuinfo").write_text(_IDENTITIES[cpu].cpuinfo())
        cores = disk / "sys/devices/system/cpu"
        cores.mkdir(parents=True)
        for name in ("online", "possible", "present"):
            (cores / name).write_text(f"0-{CORES - 1}\n")
        (disk / "desk").mkdir()
        machine = Emulator(cpu, disk, plugin)
        machine.count_file.write_bytes(bytes(8))
        compiled = subprocess.run(
            ["gcc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(PLUGIN_SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        if compiled.returncode != 0:
            first = (compiled.stderr.strip().splitlines() or ["gcc said nothing"])[0]
            raise EmulationError(
                f"{PLUGIN_SOURCE.name} does not compile: {first}; is libc6-dev installed?"
            )
        yield machine


def qemu_version() -> str:
    """The emulator's version."""
    said = subprocess.run([_qemu(), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[2]


def _qemu() -> str:
    return shutil.which("qemu-aarch64") or "qemu-aarch64"
