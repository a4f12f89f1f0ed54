from __future__ import annotations

import dataclasses

import pytest

from device.doctor.case import Case
from device.doctor.power import check_governor, check_temperature, check_throttling
from tests.device.doctor.conftest import of, only, with_board
from tests.helpers.boards import lay_out


def with_state(case: Case, **changes: object) -> Case:
    return dataclasses.replace(case, state=dataclasses.replace(case.state, **changes))


@pytest.mark.parametrize(
    ("governor", "verdict"),
    [("performance", "ok"), ("ondemand", "ok"), ("powersave", "warning"), (None, "unknown")],
)
def test_governor_that_holds_the_clock_down_is_a_warning(pi_4, governor, verdict):
    assert only(check_governor(with_state(pi_4, governor=governor))).verdict == verdict


def test_powersave_of_a_laptop_is_no_warning(pi_4):
    case = with_board(with_state(pi_4, governor="powersave"), model=None)
    assert only(check_governor(case)).verdict == "ok"


def test_governor_is_told_with_its_clock(pi_4):
    found = only(check_governor(pi_4)).found
    assert found.startswith("ondemand, 600 MHz now, at most 1800")


@pytest.mark.parametrize(
    ("celsius", "verdict"), [(79.9, "ok"), (80.0, "warning"), (None, "unknown")]
)
def test_heat_is_a_warning(pi_4, celsius, verdict):
    assert only(check_temperature(with_state(pi_4, temperature_c=celsius))).verdict == verdict


@pytest.mark.parametrize(
    ("name", "verdict", "says", "mend"),
    [
        (
            "pi_zero_2_w",
            "warning",
            "0x50005: under-voltage now (bit 0) and since boot (bit 16) (the supply sank",
            "power supply",
        ),
        ("pi_3", "warning", "soft temperature limit now (bit 3) and since boot (bit 19)", "heat"),
        ("pi_4", "ok", "0x0: no under-voltage", None),
        ("pi_5", "warning", "throttled since boot (bit 18)", "power supply"),
    ],
)
def test_bits_of_a_recorded_board_are_explained(tmp_path, name, verdict, says, mend):
    finding = only(check_throttling(of(lay_out(name, tmp_path))))
    assert finding.verdict == verdict
    assert says in finding.found
    assert (finding.mend is None) if mend is None else (mend in finding.mend)


def test_throttling_is_unknown_without_vcgencmd(tmp_path):
    root = lay_out("pi_4", tmp_path)
    (root / "usr/bin/vcgencmd").unlink()
    finding = only(check_throttling(of(root)))
    assert finding.verdict == "unknown"
    assert "raspi-utils" in finding.mend
    host = only(check_throttling(with_board(of(root), model=None)))
    assert (host.verdict, host.mend) == ("unknown", None)
