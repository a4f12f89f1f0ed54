from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from convert.arm.emulator import Cpu, Emulator, emulator
from convert.errors import EmulationError

pytestmark = pytest.mark.long

TURNS = 1000


def arm_program(*instructions: int) -> bytes:
    """A static arm64 Linux program: ELF header, one segment, and ``instructions``."""
    start, headers = 0x400000, 64 + 56
    size = headers + 4 * len(instructions)
    kind = (b"\x7fELF\x02\x01\x01", 2, 183, 1)  # 64 bits, little-endian, executable, AArch64
    places = (start + headers, 64, 0, 0)  # entry, segments, no sections, no flags
    return (
        struct.pack("<16sHHIQQQI6H", *kind, *places, 64, 56, 1, 0, 0, 0)
        + struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000)
        + struct.pack(f"<{len(instructions)}I", *instructions)
    )


def run(machine: Emulator, program: bytes, timeout_s: float = 60) -> list[bytes]:
    (machine.disk / "desk" / "program").write_bytes(program)
    (machine.disk / "desk" / "program").chmod(0o755)
    lines: list[bytes] = []
    asyncio.run(machine.run("/desk/program", timeout_s=timeout_s, hear=lines.append))
    return lines


MOV_X0, MOV_X8 = 0xD2800000, 0xD2800008  # OR the number, shifted by 5
SUBS_X0_1, B_NE_BACK, B_SELF, SVC = 0xF1000400, 0x54FFFFE1, 0x14000000, 0xD4000001
EXIT = 93  # the system call


def test_counts_a_loop_to_the_instruction(root: Path) -> None:
    leave = (MOV_X8 | EXIT << 5, MOV_X0, SVC)
    loop = arm_program(MOV_X0 | TURNS << 5, SUBS_X0_1, B_NE_BACK, *leave)
    with emulator(root, "cortex-a72") as machine:
        run(machine, loop)
        counted = int.from_bytes(machine.count_file.read_bytes(), "little")
    assert counted == 1 + 2 * TURNS + len(leave)


def test_failing_program_is_an_error_with_its_exit_code(root: Path) -> None:
    fail = arm_program(MOV_X8 | EXIT << 5, MOV_X0 | 3 << 5, SVC)
    with emulator(root, "cortex-a72") as machine, pytest.raises(EmulationError, match="code 3"):
        run(machine, fail)


def test_endless_program_is_ended(root: Path) -> None:
    with (
        emulator(root, "cortex-a72") as machine,
        pytest.raises(EmulationError, match="not done after 1 s"),
    ):
        run(machine, arm_program(B_SELF), timeout_s=1)


@pytest.mark.parametrize(
    ("cpu", "part", "dotprod"), [("cortex-a72", "0xd08", False), ("cortex-a76", "0xd0b", True)]
)
def test_program_sees_the_processor_of_the_pi(
    root: Path, cpu: Cpu, part: str, dotprod: bool
) -> None:
    said: list[bytes] = []
    script = ("-c", "print(open('/proc/cpuinfo').read())")
    with emulator(root, cpu) as machine:
        asyncio.run(machine.run("/usr/bin/python3.11", *script, timeout_s=60, hear=said.append))
        disk = machine.disk
    cpuinfo = b"".join(said).decode()
    assert cpuinfo.count(f"CPU part\t: {part}") == 4
    assert ("asimddp" in cpuinfo) == dotprod
    assert not disk.parent.exists()
