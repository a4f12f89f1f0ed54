from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.doctor.case import Python, this_python


def test_this_python_is_described():
    found = this_python()
    assert found.version >= (3, 11)
    assert found.bits == 64
    assert found.executable.endswith(("python", "python3", "python3.11"))


@pytest.mark.parametrize(("load_1_min", "is_busy"), [(None, False), (4.0, False), (4.1, True)])
def test_machine_with_more_to_do_than_it_has_cores_is_busy(pi_4, load_1_min, is_busy):
    case = dataclasses.replace(pi_4, state=dataclasses.replace(pi_4.state, load_1_min=load_1_min))
    assert case.board.cpu.cores == 4
    assert case.is_busy is is_busy


def test_pip_of_the_systems_python_begins_with_an_environment():
    system = Python((3, 11, 2), 64, "/usr/bin/python3", None, True)
    assert system.pip("install numpy") == (
        "/usr/bin/python3 -m venv --system-site-packages .venv && "
        ".venv/bin/python -m pip install numpy"
    )
    inside = dataclasses.replace(system, executable=".venv/bin/python", venv=Path(".venv"))
    assert inside.pip("install numpy") == ".venv/bin/python -m pip install numpy"


@pytest.mark.parametrize(
    ("version", "bits", "fits"),
    [
        ((3, 10, 9), 64, False),
        ((3, 11, 0), 64, True),
        ((3, 15, 0), 64, False),
        ((3, 11, 2), 32, True),  # tflite-runtime alone
        ((3, 13, 0), 32, False),
    ],
)
def test_python_fits_where_there_are_wheels_for_it(version, bits, fits):
    assert Python(version, bits, "python3", None, True).fits is fits
