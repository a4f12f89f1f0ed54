from __future__ import annotations

import dataclasses

import pytest

from device.doctor.case import Python
from device.doctor.system import (
    check_clock,
    check_memory,
    check_memory_cgroup,
    check_processor,
    check_python,
    check_system,
)
from device.system.board import Cpu, Memory
from tests.device.doctor.conftest import of, only, with_board
from tests.helpers.boards import NAMES, lay_out


@pytest.mark.parametrize("name", NAMES)
def test_only_a_32_bit_system_is_warned_of(tmp_path, name):
    finding = only(check_system(of(lay_out(name, tmp_path))))
    assert finding.verdict == ("warning" if name == "pi_3" else "ok")


def test_32_bit_programs_on_a_64_bit_kernel_are_told_apart(tmp_path):
    finding = only(check_system(of(lay_out("pi_3", tmp_path))))
    assert "programs are 32-bit although its kernel is 64-bit" in finding.found
    assert "64-bit Raspberry Pi OS" in finding.mend


def test_32_bit_kernel_is_warned_of_where_another_system_is_faster(pi_4):
    finding = only(check_system(with_board(pi_4, machine="armv7l", userland_bits=32)))
    assert finding.verdict == "warning"
    assert "although" not in finding.found
    assert "tflite-runtime, which is slower" in finding.found
    assert "64-bit Raspberry Pi OS" in finding.mend


def test_32_bits_are_all_right_where_the_processor_has_no_more(pi_4):
    cpu = dataclasses.replace(pi_4.board.cpu, name="Cortex-A7")
    finding = only(check_system(with_board(pi_4, machine="armv7l", userland_bits=32, cpu=cpu)))
    assert finding.verdict == "ok"
    assert finding.found.endswith("which is all that Cortex-A7 has")


def test_processor_without_64_bits_wants_another_board(pi_4):
    cpu = dataclasses.replace(pi_4.board.cpu, name="ARM1176")
    finding = only(check_system(with_board(pi_4, machine="armv6l", userland_bits=32, cpu=cpu)))
    assert finding.verdict == "problem"
    assert finding.mend == "take a Raspberry Pi Zero 2 W, 3, 4 or 5"


def test_machine_without_wheels_is_a_problem(pi_4):
    case = with_board(pi_4, model="A board", machine="riscv64")
    assert only(check_system(case)).verdict == "problem"


def python(version: tuple[int, int, int], bits: int = 64) -> Python:
    return Python(version, bits, "/usr/bin/python3", None, True)


@pytest.mark.parametrize(
    ("version", "bits", "verdict", "says"),
    [
        ((3, 9, 2), 64, "problem", "needs 3.11 or newer; Raspberry Pi OS Bookworm has 3.11"),
        ((3, 10, 12), 64, "problem", "needs 3.11"),
        ((3, 11, 2), 64, "ok", "Python 3.11.2, 64-bit"),
        ((3, 11, 2), 32, "ok", "32-bit, /usr/bin/python3; tflite-runtime runs on it"),
        ((3, 13, 5), 32, "problem", "of tflite-runtime none after Python 3.11"),
        ((3, 13, 5), 64, "ok", "tflite-runtime ends at 3.11"),
        ((3, 14, 0), 64, "ok", "LiteRT runs on it"),
        ((3, 15, 0), 64, "problem", "no wheels after Python 3.14"),
    ],
)
def test_python_is_held_against_the_wheels_that_exist(pi_4, version, bits, verdict, says):
    case = dataclasses.replace(pi_4, python=python(version, bits))
    finding = only(check_python(case))
    assert finding.verdict == verdict
    assert says in finding.found
    assert (finding.mend is not None) == (verdict == "problem")
    assert case.python.fits == (verdict == "ok")


def test_features_that_matter_are_told_present_and_absent(tmp_path):
    weak = only(check_processor(of(lay_out("pi_zero_2_w", tmp_path / "weak")))).found
    strong = only(check_processor(of(lay_out("pi_5", tmp_path / "strong")))).found
    assert weak.startswith("4 x Cortex-A53: NEON; no dotprod, fp16, i8mm. Without dotprod")
    assert strong == "4 x Cortex-A76: NEON, dotprod, fp16; no i8mm"


def test_emulated_processor_of_which_nobody_tells_is_unknown(pi_4):
    cpu = Cpu("aarch64 emulated on Some Xeon", 2, ())
    finding = only(check_processor(with_board(pi_4, cpu=cpu)))
    assert finding.verdict == "unknown"
    assert finding.found == "2 x aarch64 emulated on Some Xeon: nobody tells what it has"


def test_processor_that_cannot_be_read_is_unknown(tmp_path):
    assert only(check_processor(of(tmp_path))).verdict == "unknown"


@pytest.mark.parametrize(
    ("memory", "verdict", "mend"),
    [
        (Memory(4000, 3000, 0, 0), "ok", None),
        (Memory(900, 700, 100, 100), "ok", None),
        (Memory(900, 700, 0, 0), "warning", "zram-tools"),
        (Memory(420, 200, 100, 100), "warning", "ps -eo"),
        (Memory(420, 100, 100, 100), "warning", "ps -eo"),
        (Memory(420, 80, 100, 20), "problem", "ps -eo"),
        (Memory(0, 0, 0, 0), "unknown", None),
    ],
)
def test_memory_is_held_against_what_a_run_needs(pi_4, memory, verdict, mend):
    finding = only(check_memory(with_board(pi_4, memory=memory)))
    assert finding.verdict == verdict
    assert (finding.mend is None) if mend is None else (mend in finding.mend)


@pytest.mark.parametrize(
    ("name", "cmdline"),
    [("pi_5", "/boot/firmware/cmdline.txt"), ("pi_3", "/boot/cmdline.txt")],
)
def test_memory_cgroup_that_pi_os_switches_off_is_a_warning(tmp_path, name, cmdline):
    finding = only(check_memory_cgroup(of(lay_out(name, tmp_path))))
    assert finding.verdict == "warning"
    assert "as Raspberry Pi OS boots" in finding.found
    assert f"cgroup_enable=memory/' {cmdline}" in finding.mend


def test_memory_cgroup_that_is_on_is_found_in_either_version(tmp_path):
    root = lay_out("pi_4", tmp_path)
    (root / "sys/fs/cgroup/cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert only(check_memory_cgroup(of(root))).verdict == "ok"
    (root / "sys/fs/cgroup/cgroup.controllers").unlink()
    (root / "proc/cgroups").write_text("#subsys_name\thierarchy\nmemory\t4\t16\t1\n")
    assert only(check_memory_cgroup(of(root))).verdict == "ok"
    (root / "proc/cgroups").unlink()
    assert only(check_memory_cgroup(of(root))).verdict == "unknown"


@pytest.mark.parametrize(
    ("now_s", "is_set", "verdict"),
    [
        (4e9, True, "ok"),
        (4e9, False, "warning"),
        (4e9, None, "unknown"),
        (0.0, True, "warning"),  # a Pi without a battery, before the network has told it the time
    ],
)
def test_clock_must_be_set(pi_4, now_s, is_set, verdict):
    case = dataclasses.replace(pi_4, now_s=now_s, clock_is_set=is_set)
    assert only(check_clock(case)).verdict == verdict
