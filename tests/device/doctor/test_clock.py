from __future__ import annotations

from device.doctor.clock import is_synchronised


def test_kernel_says_whether_its_clock_is_set():
    assert is_synchronised() in (True, False)
