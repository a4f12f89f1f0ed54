"""Checks of what slows a processor down: governor, heat, and a weak power supply."""

from __future__ import annotations

from collections.abc import Iterator

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.system.board import SINCE_BOOT, THROTTLED_BITS

HOT_C = 80.0  # from here on a Pi's firmware lowers the clock

# What each bit means. Sources: raspberrypi.com/documentation/computers/os.html#get_throttled,
# .../computers/config_txt.html (temp_soft_limit); that boards other than the 3 A+ and 3 B+ set
# bit 3 at some 80 degrees: issue 2546 of github.com/raspberrypi/documentation.
EXPLANATIONS = {
    0: "the supply sank below 4.63 V",
    1: "the firmware holds the clock down",
    2: "slowed by heat or low voltage",
    3: "slowed a little by heat, at 60 °C on a Pi 3 A+ and 3 B+, at 80 °C on others",
}
UNDER_VOLTAGE = 1 << 0 | 1 << SINCE_BOOT


def check_governor(case: Case) -> Iterator[Finding]:
    """How the clock is chosen."""
    state = case.state
    if state.governor is None:
        yield Finding("governor", "unknown", "no cpufreq here, as in most virtual machines")
        return
    what = state.governor
    if state.clock_mhz is not None and state.clock_limit_mhz is not None:
        what += f", {state.clock_mhz:.0f} MHz now, at most {state.clock_limit_mhz:.0f}"
    if state.governor == "powersave" and case.board.is_pi:  # on a laptop it means another thing
        yield Finding(
            "governor",
            "warning",
            f"{what}: the slowest clock, whatever the load",
            "echo ondemand | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
        )
    else:
        if state.governor != "performance":
            what += "; the clock follows the load, for steady figures take performance"
        yield Finding("governor", "ok", what)


def check_temperature(case: Case) -> Iterator[Finding]:
    """How hot the processor is."""
    celsius = case.state.temperature_c
    if celsius is None:
        yield Finding("temperature", "unknown", "no thermal zone here")
    elif celsius >= HOT_C:
        yield Finding(
            "temperature",
            "warning",
            f"{celsius:.0f} °C: from {HOT_C:.0f} °C on a Pi lowers its clock",
            "fit a heat sink or fan, or let air in",
        )
    else:
        yield Finding("temperature", "ok", f"{celsius:.0f} °C")


def check_throttling(case: Case) -> Iterator[Finding]:
    """Under-voltage and throttling, now and since boot."""
    bits = case.state.throttled
    if bits is None:
        if case.board.is_pi:
            yield Finding(
                "throttling",
                "unknown",
                "vcgencmd does not answer",
                "sudo apt install raspi-utils && vcgencmd get_throttled",
            )
        else:
            yield Finding("throttling", "unknown", "only a Raspberry Pi tells")
        return
    if not bits:
        yield Finding("throttling", "ok", "0x0: no under-voltage and no throttling since boot")
        return
    if bits & UNDER_VOLTAGE:
        mend = "take the board's own power supply and a short cable, and unplug what it feeds"
    else:
        mend = "fit a heat sink or fan, or let air in; then reboot to clear the bits"
    shown = [
        f"{name} {' and '.join(_times(bits, bit))} ({EXPLANATIONS[bit]})"
        for bit, name in THROTTLED_BITS.items()
        if _times(bits, bit)
    ]
    yield Finding("throttling", "warning", f"{bits:#x}: {'; '.join(shown)}", mend)


def _times(bits: int, bit: int) -> list[str]:
    """When the condition of ``bit`` was: now, or at some time since boot."""
    places = ((bit, "now"), (bit + SINCE_BOOT, "since boot"))
    return [f"{when} (bit {place})" for place, when in places if bits >> place & 1]
