from __future__ import annotations

import pytest

from tests.device.conftest import names_in


def test_mistyped_part_of_a_drawing_is_answered_with_the_nearest(device, small_bundle):
    ran = device("detect", small_bundle, "--source", "demo", "--draw", "boxes,lables")
    assert ran.code == 2
    assert "'lables' is no part of a drawing" in ran.error
    assert "did you mean labels?" in ran.error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--on", "cat"], "--on alone does nothing"),
        (["--on", "caat", "--record", "1"], "no class 'caat': did you mean cat"),
        (["--on", "cat", "--record", "1", "--classes", "dog"], "--classes leaves out"),
        (["--record", "1"], "--record needs --on"),
        (["--segment", "10"], "--segment needs --output"),
        (["--on", "cat", "--run", "no-such-command"], "no such command"),
    ],
)
def test_outputs_that_cannot_be_meant_exit_with_2(device, small_bundle, options, said, tmp_path):
    ran = device("detect", small_bundle, "--source", "demo", *options, "--clips", tmp_path / "c")
    assert ran.code == 2
    assert said in ran.error
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("flag", ["--segment", "--quota", "--log-size", "--record", "--cooldown"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "many"])
def test_amount_that_is_none_exits_with_2(device, small_bundle, flag, value):
    ran = device("detect", small_bundle, "--source", "demo", f"{flag}={value}")
    assert ran.code == 2
    assert f"argument {flag}: " in ran.err
