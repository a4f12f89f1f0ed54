from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import device.system.board
from device.system.board import (
    Cpu,
    Memory,
    below,
    read_board,
    read_cpu,
    read_memory,
    read_state,
    read_throttled,
    throttled_now,
    throttled_since_boot,
)
from tests.helpers.boards import lay_out, set_program


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("name", "model", "core", "features", "total_mib", "bits"),
    [
        ("pi_zero_2_w", "Raspberry Pi Zero 2 W Rev 1.0", "Cortex-A53", ("NEON",), 416, 64),
        ("pi_3", "Raspberry Pi 3 Model B Plus Rev 1.3", "Cortex-A53", ("NEON",), 906, 32),
        ("pi_4", "Raspberry Pi 4 Model B Rev 1.5", "Cortex-A72", ("NEON",), 7812, 64),
        (
            "pi_5",
            "Raspberry Pi 5 Model B Rev 1.0",
            "Cortex-A76",
            ("NEON", "dotprod", "fp16"),
            8062,
            64,
        ),
    ],
)
def test_recorded_board_is_recognised(tmp_path, name, model, core, features, total_mib, bits):
    board = read_board(lay_out(name, tmp_path))
    assert (board.model, board.title, board.is_pi) == (model, model, True)
    assert board.cpu == Cpu(core, 4, features)
    assert board.machine == "aarch64"
    assert board.userland_bits == bits
    assert board.memory.total_mib == total_mib


def test_system_of_a_board_is_told(tmp_path):
    board = read_board(lay_out("pi_5", tmp_path))
    assert board.os == "Debian GNU/Linux 13 (trixie)"
    assert board.kernel == "6.12.34+rpt-rpi-2712"


def test_state_of_a_board_is_told(tmp_path):
    state = read_state(lay_out("pi_3", tmp_path))
    assert state.governor == "ondemand"
    assert (state.clock_mhz, state.clock_limit_mhz) == (1200, 1400)
    assert state.temperature_c == pytest.approx(81.116)
    assert state.throttled == 0x80008
    assert state.load_1_min == 3.91


def test_machine_without_a_device_tree_is_called_a_host_by_its_processor(tmp_path):
    put(
        tmp_path,
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Some Xeon\ncpu MHz\t\t: 2100.500\n"
        "flags\t\t: fpu avx2 avx512_vnni amx_int8 amx_tile\n\n"
        "processor\t: 1\nmodel name\t: Some Xeon\ncpu MHz\t\t: 3000.000\nflags\t\t: fpu avx2\n\n",
    )
    put(tmp_path, "proc/sys/kernel/arch", "x86_64\n")
    board = read_board(tmp_path)
    assert not board.is_pi
    assert board.title == "host machine (Some Xeon, x86_64)"
    assert board.cpu == Cpu("Some Xeon", 2, ("AVX2", "AVX-512 VNNI", "AMX"))
    assert read_state(tmp_path).clock_mhz == 3000


def test_emulated_machine_is_not_taken_for_the_one_below(tmp_path):
    put(
        tmp_path, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Some Xeon\nflags\t\t: fpu avx2\n\n"
    )
    put(tmp_path, "proc/sys/kernel/arch", "aarch64\n")
    board = read_board(tmp_path)
    assert board.machine == "aarch64"
    assert board.cpu == Cpu("aarch64 emulated on Some Xeon", 1, ())


def test_architecture_of_this_machine_is_what_programs_are_told(monkeypatch):
    told = os.uname()
    emulated = type(told)((*told[:4], "riscv64"))
    monkeypatch.setattr(os, "uname", lambda: emulated)  # as under QEMU, which leaves /proc alone
    assert read_board().machine == "riscv64"


def test_fastest_of_several_clocks_counts_and_all_governors_are_named(tmp_path):
    for number, (clock_khz, governor) in enumerate([(600000, "ondemand"), (2400000, "powersave")]):
        policy = f"sys/devices/system/cpu/cpufreq/policy{number}"
        put(tmp_path, f"{policy}/scaling_cur_freq", f"{clock_khz}\n")
        put(tmp_path, f"{policy}/scaling_governor", f"{governor}\n")
    state = read_state(tmp_path)
    assert state.clock_mhz == 2400
    assert state.governor == "ondemand, powersave"


def test_temperature_of_the_processor_is_taken_rather_than_the_first(tmp_path):
    for number, (kind, reading) in enumerate([("acpitz", 20000), ("x86_pkg_temp", 61500)]):
        put(tmp_path, f"sys/class/thermal/thermal_zone{number}/type", f"{kind}\n")
        put(tmp_path, f"sys/class/thermal/thermal_zone{number}/temp", f"{reading}\n")
    assert read_state(tmp_path).temperature_c == 61.5


def test_nothing_to_read_is_nothing_known(tmp_path):
    state = read_state(tmp_path)
    assert (state.governor, state.clock_mhz, state.temperature_c, state.throttled) == (None,) * 4
    board = read_board(tmp_path)
    assert board.model is None
    assert board.cpu == Cpu("unknown", 0, ())
    assert board.memory == Memory(0, 0, 0, 0)


def test_this_machine_is_read():
    board = read_board()
    assert board.cpu.cores >= len(os.sched_getaffinity(0))
    assert board.kernel == os.uname().release
    assert 0 < board.memory.available_mib < board.memory.total_mib
    assert read_state().load_1_min is not None


@pytest.mark.parametrize(
    ("printed", "code", "bits"),
    [
        ("throttled=0x50005\n", 0, 0x50005),
        ("throttled=0x0\n", 0, 0),
        ("VCHI initialization failed\n", 255, None),
        ("Can't open device file: /dev/vcio\n", 255, None),
        ("", 1, None),
        ("throttled=soon\n", 0, None),
    ],
)
def test_answer_of_vcgencmd_is_its_bits(tmp_path, printed, code, bits):
    set_program(tmp_path / "usr/bin/vcgencmd", printed, code)
    assert read_throttled(tmp_path) == bits


def test_vcgencmd_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(device.system.board, "VCGENCMD_TIMEOUT_S", 0.2)
    program = tmp_path / "usr/bin/vcgencmd"
    set_program(program, "")
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    assert read_throttled(tmp_path) is None


def test_bits_are_told_by_name_now_and_since_boot():
    bits = 0xD0002
    assert throttled_now(bits) == ["clock capped"]
    assert throttled_since_boot(bits) == ["under-voltage", "throttled", "soft temperature limit"]
    assert throttled_now(0) == throttled_since_boot(0) == []


@settings(max_examples=40)
@given(st.text())
def test_any_text_is_read_without_an_error(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp() / "any"
    for path in ("proc/cpuinfo", "proc/meminfo", "proc/loadavg", "etc/os-release"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode(errors="surrogatepass"))
    assert read_cpu(root).cores >= 0
    assert read_memory(root).total_mib is not None
    assert read_board(root).os
    read_state(root)


def test_paths_of_what_is_read_every_second_are_made_once(tmp_path):
    root = lay_out("pi_4", tmp_path)
    read_state(root), read_memory(root)
    made = below.cache_info().misses
    read_state(root), read_memory(root)
    assert below.cache_info().misses == made
    assert below.cache_info().hits
